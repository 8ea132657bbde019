/// What a proxy does about something that one side said, in order.
public enum ProxyStep: Sendable, Equatable {
    /// Pass this on to the server.
    case toServer([UInt8])
    /// Give this to the client.
    case toClient([UInt8])
    /// Close both sides in order.
    case close
    /// Break both connections.
    case reset
}

/// One connection's exchange, as a value: what to do about each piece of bytes, whichever way it goes.
public protocol Conversation: Sendable {
    /// The client sent this.
    mutating func clientSaid(_ bytes: [UInt8]) -> [ProxyStep]
    /// The server sent this.
    mutating func serverSaid(_ bytes: [UInt8]) -> [ProxyStep]
}
