import COneDNN

/// What keeps oneDNN from being used.
public struct OneDNNError: Error, Equatable, CustomStringConvertible {
    /// In words, for the person who could install what is missing.
    public let reason: String
    /// The reason.
    public var description: String { reason }

    init(_ reason: String) { self.reason = reason }

    /// Throws unless a call went well.
    static func check(_ status: dnnl_status_t, _ call: StaticString) throws(OneDNNError) {
        guard status == dnnl_success else { throw OneDNNError("oneDNN: \(call) gives status \(status.rawValue)") }
    }
}
