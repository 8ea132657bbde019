import Loopback
import Testing

@Suite struct ConversationTests {
    private static let ready: [UInt8] = [0x5A, 0, 0, 0, 5, 0x49]

    @Test("a PostgreSQL reply is lost once, whole, to the statement that was named")
    func postgres() {
        let orders = FaultOrders<String>()
        var conversation = PostgresConversation(orders)
        let (claim, publish) = (Array("SELECT attune.claim($1)".utf8), Array("SELECT attune.publish($1)".utf8))
        orders.add("attune.publish(")
        #expect(conversation.clientSaid(claim) == [.toServer(claim)])
        #expect(conversation.serverSaid(Self.ready) == [.toClient(Self.ready)], "another statement's reply arrives")
        #expect(conversation.clientSaid(publish) == [.toServer(publish)], "the server does its work")
        #expect(conversation.serverSaid([1, 2, 3]).isEmpty && orders.doneCount == 0, "not one byte of it arrives")
        #expect(conversation.serverSaid([9] + Self.ready) == [.reset], "and the connection breaks at its end")
        #expect(orders.doneCount == 1 && orders.waitingCount == 0)
        // Inside a transaction, or after an error in one, the reply ends as well.
        for status in [0x54, 0x45] as [UInt8] {
            orders.add("attune.claim(")
            var other = PostgresConversation(orders)
            _ = other.clientSaid(claim)
            #expect(other.serverSaid([0x5A, 0, 0, 0, 5, status]) == [.reset])
        }
    }

    private static let put = Array("PUT /bucket/key HTTP/1.1\r\nHost: a\r\ncontent-length: 10\r\n\r\n".utf8)
    private static let body = Array("0123456789".utf8)
    private static let get = Array("GET /bucket/key HTTP/1.1\r\nHost: a\r\n\r\n".utf8)

    /// What reaches the server of these steps.
    private func passed(_ steps: [ProxyStep]) -> [UInt8] {
        steps.flatMap { if case .toServer(let bytes) = $0 { bytes } else { [UInt8]() } }
    }

    @Test("requests pass unchanged however they are cut into pieces", arguments: 1...20)
    func httpPasses(piece: Int) {
        var conversation = HTTPConversation(FaultOrders())
        let all = Self.put + Self.body + Self.get + Self.put + Self.body
        var arrived: [UInt8] = []
        for start in stride(from: 0, to: all.count, by: piece) {
            let steps = conversation.clientSaid(Array(all[start..<min(start + piece, all.count)]))
            #expect(!steps.contains(.reset) && !steps.contains(.close))
            arrived += passed(steps)
        }
        #expect(arrived == all)
        #expect(conversation.serverSaid([1]) == [.toClient([1])])
    }

    @Test("a refused request never reaches the server, and its answer is sent when all of it has been read")
    func httpRefuses() throws {
        let orders = FaultOrders<HTTPConversation.Order>()
        var conversation = HTTPConversation(orders)
        orders.add(.refuse(status: 503))
        #expect(conversation.clientSaid(Self.put + Self.body.prefix(4)).isEmpty)
        let steps = conversation.clientSaid(Array(Self.body.dropFirst(4)))
        guard case .toClient(let answer) = try #require(steps.first) else {
            Issue.record("\(steps)")
            return
        }
        #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 503 "))
        #expect(steps.last == .close && passed(steps).isEmpty && orders.doneCount == 1)
    }

    @Test("the reply to a PUT is lost after the server has all of it; a GET before it is answered")
    func httpLosesReply() {
        let orders = FaultOrders<HTTPConversation.Order>()
        var conversation = HTTPConversation(orders)
        orders.add(.loseReplyToPut)
        _ = conversation.clientSaid(Self.get)
        #expect(conversation.serverSaid([1]) == [.toClient([1])])
        #expect(passed(conversation.clientSaid(Self.put + Self.body)) == Self.put + Self.body)
        let proceed = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        #expect(conversation.serverSaid(proceed) == [.toClient(proceed)])
        #expect(conversation.serverSaid(Array("HTTP/1.1 200 OK\r\n".utf8)) == [.reset])
        #expect(orders.doneCount == 1)
    }

    @Test("a PUT is cut in the middle of its body", arguments: [1, 3, 10])
    func httpCuts(piece: Int) {
        let orders = FaultOrders<HTTPConversation.Order>()
        var conversation = HTTPConversation(orders)
        orders.add(.cutPut)
        var steps = conversation.clientSaid(Self.put)
        for start in stride(from: 0, to: 10, by: piece) where !steps.contains(.reset) {
            steps += conversation.clientSaid(Array(Self.body[start..<min(start + piece, 10)]))
        }
        #expect(passed(steps) == Self.put + Self.body.prefix(5))
        #expect(steps.last == .reset && orders.doneCount == 1)
    }
}
