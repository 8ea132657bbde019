/// An access key and its secret. Nothing prints the secret: description, debug description and mirror leave it out.
public struct StoreCredentials: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The public half, part of every request.
    public let accessKeyID: String
    let secretAccessKey: String
    let sessionToken: String?

    /// Takes the two halves and, for temporary credentials, the session token.
    public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    /// Enough of the key id to recognise it: `AKIA…7Q`.
    public var description: String {
        accessKeyID.count < 8 ? "…" : "\(accessKeyID.prefix(4))…\(accessKeyID.suffix(2))"
    }

    /// The same.
    public var debugDescription: String { description }

    /// Nothing but the description.
    public var customMirror: Mirror { Mirror(self, children: ["key": description]) }
}

/// Where credentials come from; read again when the store says that they have expired, because files are rotated.
public struct CredentialSource: Sendable {
    let load: @Sendable () throws -> StoreCredentials

    /// A source that asks a function, which may throw ``Problem``.
    public init(_ load: @escaping @Sendable () throws -> StoreCredentials) { self.load = load }

    /// The same credentials always.
    public static func fixed(_ credentials: StoreCredentials) -> CredentialSource { CredentialSource { credentials } }
}
