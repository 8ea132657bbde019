/// PostgreSQL's protocol, as far as losing a reply needs it.
///
/// An order is a text; the reply to the next thing the client sends that contains it never arrives: the server has done
/// its work, and the client sees a broken connection. For connections without TLS, whose statements are sent as text.
public struct PostgresConversation: Conversation {
    private let orders: FaultOrders<String>
    private var isLosing = false

    /// A conversation that loses replies as ordered.
    public init(_ orders: FaultOrders<String>) { self.orders = orders }

    /// See ``Conversation``.
    public mutating func clientSaid(_ bytes: [UInt8]) -> [ProxyStep] {
        if !isLosing, orders.waitingCount > 0,
            orders.take(where: { bytes.firstRange(of: Array($0.utf8)) != nil }) != nil
        {
            isLosing = true
        }
        return [.toServer(bytes)]
    }

    /// See ``Conversation``. `ReadyForQuery` (Z, length 5, status) ends the reply: what was sent has been done.
    public mutating func serverSaid(_ bytes: [UInt8]) -> [ProxyStep] {
        guard isLosing else { return [.toClient(bytes)] }
        guard bytes.suffix(6).prefix(5) == [0x5A, 0, 0, 0, 5] else { return [] }
        orders.noteDone()
        return [.reset]
    }
}
