import Synchronization

/// Faults that wait for something to happen to: each is taken once, by the first exchange that it fits.
public final class FaultOrders<Order: Sendable>: Sendable {
    private struct State {
        var waiting: [Order] = []
        var done = 0
    }

    private let state = Mutex(State())

    /// None.
    public init() {}

    /// How many have had their effect.
    public var doneCount: Int { state.withLock { $0.done } }
    /// How many wait.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }
    /// Those that wait, in the order in which they were added.
    public var waiting: [Order] { state.withLock { $0.waiting } }

    /// Adds one.
    public func add(_ order: Order) { state.withLock { $0.waiting.append(order) } }

    /// Drops those that still wait.
    public func clear() { state.withLock { $0.waiting = [] } }

    /// Takes the first that fits.
    func take(where fits: (Order) -> Bool) -> Order? {
        state.withLock { state in
            guard let index = state.waiting.firstIndex(where: fits) else { return nil }
            return state.waiting.remove(at: index)
        }
    }

    /// Notes that one had its effect.
    func noteDone() { state.withLock { $0.done += 1 } }
}
