/// The decisions of a ``ConnectionPool``: who gets which connection, when one is opened, when one is closed.
///
/// Each event is a method that returns what is to be done; the pool does it. So all of it is tested without a server.
package struct PoolStateMachine<Member> {
    /// What the pool has to do, in order.
    package enum Action {
        /// Give the connection to the waiter.
        case lend(Member, waiter: Int)
        /// Open one more connection and report `opened` or `openFailed`.
        case open
        /// Close the connection; it is not counted any more.
        case close(Member)
        /// Tell the waiter that it gets none.
        case fail(waiter: Int, PostgresError)
        /// Tell whoever closes the pool that nothing is left open.
        case drained
    }

    /// The most connections open at once.
    package let limit: Int
    private var idle: [Member] = []
    private var waiters: [Int] = []
    private var lentCount = 0
    private var openingCount = 0
    private var isClosed = false

    /// An empty pool of at most `limit` (1 or more) connections.
    package init(limit: Int) {
        precondition(limit >= 1, "a pool of at least one connection")
        self.limit = limit
    }

    /// Connections open or being opened.
    package var count: Int { idle.count + lentCount + openingCount }

    /// An idle connection for somebody who asks, if there is one: the usual case, without anything to wait for.
    package mutating func lendIdle() -> Member? {
        guard let member = idle.popLast() else { return nil }
        lentCount += 1
        return member
    }

    /// Somebody asks for a connection and waits for it.
    package mutating func request(waiter: Int) -> [Action] {
        guard !isClosed else { return [.fail(waiter: waiter, PostgresError(.misuse, "the pool is closed"))] }
        waiters.append(waiter)
        return balance()
    }

    /// A waiter does not want to wait any longer; nothing happens when it has its connection already.
    package mutating func giveUp(waiter: Int, _ error: PostgresError) -> [Action] {
        guard let index = waiters.firstIndex(of: waiter) else { return [] }
        waiters.remove(at: index)
        return [.fail(waiter: waiter, error)]
    }

    /// A waiter's time is up. One for whom a connection is being opened goes on: it gets that one, or learns why it did not
    /// come about.
    package mutating func timedOut(waiter: Int, _ error: PostgresError) -> [Action] {
        guard let index = waiters.firstIndex(of: waiter), index >= openingCount else { return [] }
        return giveUp(waiter: waiter, error)
    }

    /// A connection came about.
    package mutating func opened(_ member: Member) -> [Action] {
        openingCount -= 1
        return take(back: member)
    }

    /// A connection did not come about, after all its tries: all who wait learn it now, rather than each in turn after as
    /// many tries again.
    package mutating func openFailed(_ error: PostgresError) -> [Action] {
        openingCount -= 1
        let failures = waiters.map { Action.fail(waiter: $0, error) }
        waiters = []
        return failures + drainedIfDone()
    }

    /// A lent connection comes back.
    package mutating func returned(_ member: Member, isUsable: Bool) -> [Action] {
        lentCount -= 1
        if isUsable { return take(back: member) }
        return [.close(member)] + balance() + drainedIfDone()
    }

    /// No connection is lent from now on; those lent are closed when they come back.
    package mutating func close() -> [Action] {
        isClosed = true
        let actions =
            waiters.map { Action.fail(waiter: $0, PostgresError(.misuse, "the pool is closed")) }
            + idle.map(Action.close)
        (waiters, idle) = ([], [])
        return actions + drainedIfDone()
    }

    private mutating func take(back member: Member) -> [Action] {
        guard !isClosed else { return [.close(member)] + drainedIfDone() }
        idle.append(member)
        return balance()
    }

    /// Lends what is idle, the most recently used first, and opens what is missing.
    private mutating func balance() -> [Action] {
        var actions: [Action] = []
        while let waiter = waiters.first, let member = idle.popLast() {
            waiters.removeFirst()
            lentCount += 1
            actions.append(.lend(member, waiter: waiter))
        }
        while waiters.count > openingCount, count < limit {
            openingCount += 1
            actions.append(.open)
        }
        return actions
    }

    private func drainedIfDone() -> [Action] { isClosed && count == 0 ? [.drained] : [] }
}
