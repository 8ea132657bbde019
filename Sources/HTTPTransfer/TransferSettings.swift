public import Problem

/// Limits and trust of a ``TransferPool``.
public struct TransferSettings: Sendable, Equatable {
    /// Requests under way at once, each on a connection of its own; default 16, at least 1.
    public var concurrency = 16
    /// Seconds a connection may take to be made, name and TLS included; default 5.
    public var connectTimeoutSeconds = 5.0
    /// Seconds without a byte in either direction after which an exchange is given up; whole seconds, default 20.
    public var stallTimeoutSeconds = 20
    /// Seconds an exchange may take in all; default 300.
    public var totalTimeoutSeconds = 300.0
    /// A PEM file of certificate authorities (what `AWS_CA_BUNDLE` names); nil for the system's. There is no way to
    /// turn verification off.
    public var certificateAuthorities: String?

    /// The defaults.
    public init() {}

    /// Checks ranges and relations; throws ``Problem`` of class `bad_setting`.
    public func validate() throws(Problem) {
        try check(concurrency >= 1 && concurrency <= 1024, "concurrency", "\(concurrency)", "1 to 1024")
        try check(connectTimeoutSeconds > 0, "connectTimeoutSeconds", "\(connectTimeoutSeconds)", "more than 0")
        try check(stallTimeoutSeconds >= 1, "stallTimeoutSeconds", "\(stallTimeoutSeconds)", "at least 1")
        try check(
            totalTimeoutSeconds >= connectTimeoutSeconds && totalTimeoutSeconds <= 86_400, "totalTimeoutSeconds",
            "\(totalTimeoutSeconds)", "connectTimeoutSeconds (\(connectTimeoutSeconds)) to 86400")
    }

    private func check(_ holds: Bool, _ name: String, _ value: String, _ range: String) throws(Problem) {
        guard !holds else { return }
        throw Problem("bad_setting", at: "transfer.\(name)", "\(value) is out of range.", do: "choose \(range).")
    }
}
