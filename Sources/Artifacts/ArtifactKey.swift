public import Foundation

/// Keys of stored packs (QUEUE rule 8): never reused, and telling the collector which claim could still publish them.
public struct ArtifactKey: Sendable, Hashable {
    /// First part: the tenant's prefix, without slashes at either end.
    public let prefix: String
    /// The chunk whose fence the key carries: the delivery's first.
    public let chunkID: Int64
    /// The claim.
    public let attempt: Int32
    /// The claim's token.
    public let token: UUID
    /// Hex SHA-256 of the object.
    public let sha256: String

    /// Assembles a key.
    public init(prefix: String, chunkID: Int64, attempt: Int32, token: UUID, sha256: String) {
        self.prefix = prefix
        self.chunkID = chunkID
        self.attempt = attempt
        self.token = token
        self.sha256 = sha256
    }

    /// `prefix/chunk-attempt-token-sha256`.
    public var text: String { "\(prefix)/\(chunkID)-\(attempt)-\(token.uuidString.lowercased())-\(sha256)" }

    /// Reads a key back; nil for an object that is no pack.
    public init?(_ text: String) {
        guard let slash = text.lastIndex(of: "/") else { return nil }
        let name = text[text.index(after: slash)...]
        guard
            let match = name.wholeMatch(of: /(\d+)-(\d+)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([0-9a-f]{64})/),
            let chunkID = Int64(match.1), let attempt = Int32(match.2), let token = UUID(uuidString: String(match.3))
        else { return nil }
        self.init(
            prefix: String(text[..<slash]), chunkID: chunkID, attempt: attempt, token: token, sha256: String(match.4))
    }
}
