import Loopback
import Postgres

/// A proxy on the loopback that can lose the server's reply to one statement: the server has done its work, and the client
/// sees a broken connection.
public final class LossyProxy: Sendable {
    /// A server that no proxy can stand before.
    public struct NoTCP: Error { let server: String }

    private let proxy: FaultyProxy
    private let orders = FaultOrders<String>()
    /// The connection string through the proxy.
    public let conninfo: String

    /// Listens on a free port of the loopback and passes connections on to the server of `database`.
    ///
    /// - Throws: ``NoTCP``; `SocketFailure`; what connecting throws.
    public init(to database: TestDatabase) async throws {
        let server = try await database.withConnection { $0.server }
        guard let match = server.wholeMatch(of: /(.+):(\d+)\/.+/), let port = UInt16(match.2), match.1.first != "/"
        else { throw NoTCP(server: server) }
        let orders = orders
        proxy = try FaultyProxy(to: .host(String(match.1), port)) { PostgresConversation(orders) }
        conninfo = try TestRun.conninfo(
            of: database.name, "host=127.0.0.1", "port=\(proxy.port)", "sslmode=disable", "gssencmode=disable")
    }

    /// Loses the reply to the next thing the client sends that contains `text`, and breaks the connection.
    public func loseReply(to text: String) { orders.add(text) }

    /// Stops listening.
    public func close() { proxy.close() }
}
