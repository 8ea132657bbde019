import Blocking
import CPostgres
import Synchronization

/// Asks the server to end the statement that a connection is running.
///
/// A cancel request reaches the server beside the connection and names no statement, so it may hit the next one. Hence
/// two rules: it is sent only while the statement it is meant for runs (`turn`), and a connection that was sent one is
/// not used again (`wasUsed`): the pool closes it.
@safe final class Canceller: @unchecked Sendable {
    // Unchecked Sendable: the pointer never changes, and libpq documents PQcancel as safe in any thread while the
    // connection works in another.
    private let raw: OpaquePointer?
    private let queue = SerialQueueExecutor(label: "attune.postgres.cancel")
    private let state = Mutex<State>(State())

    private struct State {
        var lastTurn = 0
        var running: Int?
        var wasUsed = false
    }

    init(_ connection: OpaquePointer) { unsafe raw = PQgetCancel(connection) }

    deinit { unsafe PQfreeCancel(raw) }

    /// Whether a request was sent.
    var wasUsed: Bool { state.withLock { $0.wasUsed } }

    /// A number for a statement that is about to run.
    func nextTurn() -> Int {
        state.withLock {
            $0.lastTurn += 1
            return $0.lastTurn
        }
    }

    /// From now on requests for `turn` are sent.
    func begin(turn: Int) { state.withLock { $0.running = turn } }

    /// From now on none is.
    func end() { state.withLock { $0.running = nil } }

    /// Sends a request if statement `turn` runs, or, for nil, if any does; returns at once.
    func cancel(turn: Int?) {
        queue.async { [self] in
            let isMeant = state.withLock { state in
                guard let running = state.running, turn == nil || turn == running else { return false }
                state.wasUsed = true
                return true
            }
            guard isMeant else { return }
            // Failure leaves the statement running to its own end, and the caller's cancellation then finds it done.
            var message = [CChar](repeating: 0, count: 256)
            _ = unsafe PQcancel(raw, &message, Int32(message.count))
        }
    }
}
