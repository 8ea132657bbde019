import Synchronization

/// A bounded set of connections, opened when needed, lent to one task at a time, replaced when broken.
public final class ConnectionPool: Sendable {
    private let conninfo: String
    private let options: ConnectionOptions
    private let waitSeconds: Double
    private let state: Mutex<State>

    private struct State {
        var machine: PoolStateMachine<Connection>
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Connection, any Error>] = [:]
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    /// Makes a pool without connecting.
    ///
    /// - Parameters:
    ///   - conninfo: as for ``Connection/open(_:options:)``.
    ///   - limit: the most connections open at once, 1 or more.
    ///   - waitSeconds: how long a task waits for a connection that others hold, above 0.
    public init(
        _ conninfo: String, limit: Int = 8, options: ConnectionOptions = ConnectionOptions(), waitSeconds: Double = 60
    ) {
        self.conninfo = conninfo
        self.options = options
        self.waitSeconds = waitSeconds
        state = Mutex(State(machine: PoolStateMachine(limit: limit)))
    }

    /// Calls `body` with a pool of its own, which is closed however `body` ends; else as ``init(_:limit:options:waitSeconds:)``.
    @discardableResult
    public static func with<Result>(
        _ conninfo: String, limit: Int, options: ConnectionOptions = ConnectionOptions(),
        _ body: (ConnectionPool) async throws -> Result
    ) async throws -> Result {
        let pool = ConnectionPool(conninfo, limit: limit, options: options)
        do {
            let result = try await body(pool)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }

    /// Lends a connection to `body`.
    ///
    /// - Throws: what `body` throws; what ``Connection/open(_:options:)`` throws; `poolExhausted`, `cancelled`, `misuse`
    ///   after ``close()``.
    @discardableResult
    public func withConnection<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
        let connection = try await borrow()
        do {
            let result = try await body(connection)
            await giveBack(connection)
            return result
        } catch {
            await giveBack(connection)
            throw error
        }
    }

    /// Runs one statement on a connection of the pool. Throws as ``Connection/execute(_:_:)`` and
    /// ``withConnection(_:)`` do.
    @discardableResult
    public func execute(_ statement: Statement, _ parameters: Parameters = []) async throws -> Rows {
        try await withConnection { try await $0.execute(statement, parameters) }
    }

    /// Runs `body` in a transaction on a connection of the pool, and all of it again, as `retry` says, when the server
    /// undoes it because of another transaction (40001, 40P01). Throws as ``Connection/withTransaction(_:_:)`` and
    /// ``withConnection(_:)`` do.
    @discardableResult
    public func withTransaction<Result>(
        _ isolation: TransactionIsolation = .readCommitted, retry: Backoff = .none,
        _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        var (failures, random) = (0, SystemRandomNumberGenerator())
        while true {
            do {
                return try await withConnection { try await $0.withTransaction(isolation, body) }
            } catch let error as PostgresError where error.sqlState?.undoneByConcurrency == true {
                failures += 1
                guard let delay = retry.delaySeconds(afterFailures: failures, random: &random) else { throw error }
                try await Task.sleep(for: .seconds(delay))
            }
        }
    }

    /// Closes the pool: waits until every lent connection is back and closed.
    public func close() async {
        await withCheckedContinuation { continuation in
            let actions = state.withLock { state in
                state.closers.append(continuation)
                return state.machine.close()
            }
            perform(actions)
        }
    }

    /// A connection that answers: one that broke while idle is replaced here rather than given to the caller.
    private func borrow() async throws -> Connection {
        while true {
            let connection = try await lease()
            if await connection.isUsable { return connection }
            perform(state.withLock { $0.machine.returned(connection, isUsable: false) })
        }
    }

    private func giveBack(_ connection: Connection) async {
        let isUsable = await connection.isUsable
        perform(state.withLock { $0.machine.returned(connection, isUsable: isUsable) })
    }

    private func lease() async throws -> Connection {
        if let connection = state.withLock({ $0.machine.lendIdle() }) { return connection }
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let exhausted = Task {
            // Only cancelling this timer ends the sleep early.
            do { try await Task.sleep(for: .seconds(waitSeconds)) } catch { return }
            let actions = state.withLock { state in
                let message = "none of \(state.machine.limit) connections free in \(waitSeconds) s"
                return state.machine.timedOut(waiter: waiter, PostgresError(.poolExhausted, message))
            }
            perform(actions)
        }
        defer { exhausted.cancel() }
        let cancelled = PostgresError(.cancelled, "the task was cancelled while waiting for a connection")
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let actions = state.withLock { state in
                    state.waiters[waiter] = continuation
                    return state.machine.request(waiter: waiter)
                }
                perform(actions)
                // A cancellation that came before the request found nobody to tell.
                if Task.isCancelled { giveUp(waiter, cancelled) }
            }
        } onCancel: {
            giveUp(waiter, cancelled)
        }
    }

    private func giveUp(_ waiter: Int, _ error: PostgresError) {
        perform(state.withLock { $0.machine.giveUp(waiter: waiter, error) })
    }

    private func perform(_ actions: [PoolStateMachine<Connection>.Action]) {
        for action in actions {
            switch action {
            case .lend(let connection, let waiter): take(waiter)?.resume(returning: connection)
            case .fail(let waiter, let error): take(waiter)?.resume(throwing: error)
            case .close(let connection): Task { await connection.close() }
            case .open: Task { await openOne() }
            case .drained: takeClosers().forEach { $0.resume() }
            }
        }
    }

    private func openOne() async {
        do throws(PostgresError) {
            let connection = try await Connection.open(conninfo, options: options)
            perform(state.withLock { $0.machine.opened(connection) })
        } catch {
            perform(state.withLock { $0.machine.openFailed(error) })
        }
    }

    private func take(_ waiter: Int) -> CheckedContinuation<Connection, any Error>? {
        state.withLock { $0.waiters.removeValue(forKey: waiter) }
    }

    private func takeClosers() -> [CheckedContinuation<Void, Never>] {
        state.withLock { state in
            defer { state.closers = [] }
            return state.closers
        }
    }
}
