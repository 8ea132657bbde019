/// Where a server of this machine listens.
public enum LoopbackAddress: Sendable, Equatable {
    /// A port of 127.0.0.1.
    case port(UInt16)
    /// A Unix socket.
    case path(String)
    /// An IPv4 address, in case the server is on another machine after all.
    case host(String, UInt16)
}

/// A socket that could not be made.
public struct SocketFailure: Error, CustomStringConvertible {
    let call: String
    let code: Int32

    /// `bind failed with errno 98`.
    public var description: String { "\(call) failed with errno \(code)" }
}
