import Foundation
import Synchronization

/// Stands between clients and a server of this machine: passes what they say, breaks their connections, or holds every
/// byte for a time. What it does inside an exchange its conversation says.
///
/// One thread a connection; each carries both directions, so that nothing overtakes anything.
public final class FaultyProxy: Sendable {
    private struct Pair: Sendable {
        let client: LoopbackSocket
        let server: LoopbackSocket
    }

    private struct State {
        var isClosed = false
        var next = 0
        var open: [Int: Pair] = [:]
        var cut: Set<Int> = []
        var stalledUntil = ContinuousClock.now
    }

    /// The port of 127.0.0.1 that it listens on.
    public let port: UInt16
    private let listener: LoopbackSocket
    private let target: LoopbackAddress
    private let begin: @Sendable () -> any Conversation
    private let state = Mutex(State())

    /// Listens on a free port and passes connections on; each gets a conversation of its own.
    ///
    /// - Throws: ``SocketFailure``.
    public init(to target: LoopbackAddress, _ begin: @escaping @Sendable () -> any Conversation) throws {
        self.target = target
        self.begin = begin
        (listener, port) = try LoopbackSocket.listen()
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// How many connections are open.
    public var openCount: Int { state.withLock { $0.open.count } }

    /// Breaks every connection that is open, and returns how many there were.
    @discardableResult
    public func cut() -> Int {
        state.withLock { state in
            for (number, pair) in state.open where state.cut.insert(number).inserted {
                pair.client.shutDown()
                pair.server.shutDown()
            }
            return state.open.count
        }
    }

    /// Passes no byte on for so many seconds from now; connections stay open.
    public func stall(seconds: Double) {
        state.withLock { $0.stalledUntil = max($0.stalledUntil, .now + .seconds(seconds)) }
    }

    /// Passes bytes on again.
    public func endStall() { state.withLock { $0.stalledUntil = .now } }

    /// Stops listening and ends every connection.
    public func close() {
        state.withLock { $0.isClosed = true }
        listener.shutDown()
        cut()
    }

    private func acceptAll() {
        while let client = listener.accept() {
            Thread.detachNewThread { [self] in serve(client) }
        }
        listener.close()
    }

    private func serve(_ client: LoopbackSocket) {
        guard let server = LoopbackSocket.connect(to: target) else { return client.close(reset: true) }
        let pair = Pair(client: client, server: server)
        let number = state.withLock { state in
            state.next += 1
            state.open[state.next] = pair
            if state.isClosed { state.cut.insert(state.next) }
            return state.next
        }
        let isOrderly = carry(pair, number)
        // Under the lock, so that `cut` never shuts down a number that the system has given to another file.
        state.withLock { state in
            state.open[number] = nil
            state.cut.remove(number)
            client.close(reset: !isOrderly)
            server.close(reset: !isOrderly)
        }
    }

    /// Carries bytes until a side ends (true) or the connection is to break (false).
    private func carry(_ pair: Pair, _ number: Int) -> Bool {
        var conversation = begin()
        while !isCut(number) {
            let ready = LoopbackSocket.awaitEither(pair.client, pair.server)
            if ready.first {
                guard let bytes = pair.client.receive() else { return !isCut(number) }
                waitOutStall(number)
                if let ending = perform(conversation.clientSaid(bytes), pair) { return ending }
            }
            if ready.second {
                guard let bytes = pair.server.receive() else { return !isCut(number) }
                waitOutStall(number)
                if let ending = perform(conversation.serverSaid(bytes), pair) { return ending }
            }
        }
        return false
    }

    /// Performs the steps; non-nil when the connection is over, in order or not.
    private func perform(_ steps: [ProxyStep], _ pair: Pair) -> Bool? {
        for step in steps {
            switch step {
            case .toServer(let bytes): if !pair.server.send(bytes) { return true }
            case .toClient(let bytes): if !pair.client.send(bytes) { return true }
            case .close: return true
            case .reset: return false
            }
        }
        return nil
    }

    private func isCut(_ number: Int) -> Bool { state.withLock { $0.cut.contains(number) } }

    private func waitOutStall(_ number: Int) {
        while state.withLock({ $0.stalledUntil > .now && !$0.cut.contains(number) }) {
            Thread.sleep(forTimeInterval: 0.01)
        }
    }
}
