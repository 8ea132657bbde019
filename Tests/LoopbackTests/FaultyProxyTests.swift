import HTTPTransfer
import Loopback
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FaultyProxyTests {
    /// A server behind a proxy, and a client of the proxy.
    private struct Setup: Sendable {
        let server: LoopbackServer
        let proxy: FaultyProxy
        let orders = FaultOrders<HTTPConversation.Order>()
        let pool: TransferPool

        init(_ handler: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply) throws {
            server = try LoopbackServer(handler)
            let orders = orders
            proxy = try FaultyProxy(to: .port(UInt16(server.port))) { HTTPConversation(orders) }
            pool = try TransferPool()
        }

        func put(_ bytes: [UInt8]) async throws -> Int {
            var request = HTTPRequest(.put, "http://127.0.0.1:\(proxy.port)/bucket/key")
            request.body = bytes
            return try await pool.exchange(request).status
        }
    }

    @Test("bytes pass both ways; a refusal is heard and the server is not troubled; then all is as before")
    func refusal() async throws {
        let setup = try Setup { _ in .respond(200) }
        #expect(try await setup.put([1, 2, 3]) == 200)
        setup.orders.add(.refuse(status: 503))
        #expect(try await setup.put([4, 5, 6]) == 503)
        #expect(try await setup.put([7, 8, 9]) == 200)
        #expect(setup.server.requests.map(\.body) == [[1, 2, 3], [7, 8, 9]])
        setup.proxy.close()
        setup.server.stop()
    }

    @Test("a lost reply: the server has the object, the client an error")
    func lostReply() async throws {
        let setup = try Setup { _ in .respond(200) }
        setup.orders.add(.loseReplyToPut)
        await #expect(throws: TransferError.self) { try await setup.put([1, 2, 3]) }
        #expect(setup.server.requests.map(\.body) == [[1, 2, 3]])
        setup.proxy.close()
        setup.server.stop()
    }

    @Test("a cut breaks what is open, and the next connection works; a stall holds bytes until it ends")
    func cutAndStall() async throws {
        let asked = Mutex(0)
        let setup = try Setup { _ in
            asked.withLock { count in
                count += 1
                return count == 1 ? .silence : .respond(204)
            }
        }
        let first = Task { try await setup.put([1, 2]) }
        while setup.server.requests.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        #expect(setup.proxy.cut() == 1)
        await #expect(throws: TransferError.self) { try await first.value }

        setup.proxy.stall(seconds: 3600)
        let second = Task { try await setup.put([3, 4]) }
        while setup.proxy.openCount == 0 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(setup.server.requests.count == 1, "nothing of it passes")
        setup.proxy.endStall()
        #expect(try await second.value == 204)
        setup.proxy.close()
        setup.server.stop()
    }
}
