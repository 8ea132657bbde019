import Blocking

/// One connection to PostgreSQL.
///
/// It is used by one task at a time: a transaction belongs to whoever runs statements on the connection. Take one from a
/// ``ConnectionPool`` where several tasks need the database. Calls into libpq block; they do so on a queue of the
/// connection's own.
public actor Connection {
    private let executor: SerialQueueExecutor
    private var wire: Wire
    private let canceller: Canceller
    private let preparesStatements: Bool
    /// The names of what was prepared on this connection, by text.
    private var preparedNames: [String: String] = [:]

    /// `host:port/database` of the server.
    public nonisolated let server: String
    /// The server process at the other end, as `pg_stat_activity.pid`.
    public nonisolated let processID: Int32

    /// The queue that the connection blocks.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private init(_ established: Established, _ executor: SerialQueueExecutor, _ options: ConnectionOptions) {
        self.executor = executor
        canceller = unsafe Canceller(established.raw)
        let wire = Wire(established, replyTimeout: .seconds(options.replyTimeoutSeconds))
        (server, processID) = (wire.server, wire.processID)
        self.wire = wire
        preparesStatements = options.preparesStatements
    }

    /// Connects, trying again as `options.reconnect` says.
    ///
    /// - Parameter conninfo: libpq's `key=value` string or URI; what it leaves out comes from the PG* variables, the
    ///   service file and `~/.pgpass`.
    /// - Throws: `configuration` for a string that cannot be read, `refused` at once when credentials, database or
    ///   rights are wrong, `unreachable` after the last try, `cancelled`.
    public static func open(
        _ conninfo: String, options: ConnectionOptions = ConnectionOptions()
    ) async throws(PostgresError) -> Connection {
        let executor = SerialQueueExecutor(label: "attune.postgres.connection")
        let start = ContinuousClock.now
        var (failures, random) = (0, SystemRandomNumberGenerator())
        while true {
            do throws(PostgresError) {
                return Connection(try await establish(conninfo, on: executor, options), executor, options)
            } catch {
                failures += 1
                let delay = options.reconnect.delaySeconds(afterFailures: failures, random: &random)
                guard error.isRetryable, let delay else {
                    var error = error
                    error.tries = (failures, (ContinuousClock.now - start) / .seconds(1))
                    throw error
                }
                do { try await Task.sleep(for: .seconds(delay)) } catch {
                    throw PostgresError(.cancelled, "the task was cancelled while connecting")
                }
            }
        }
    }

    private static func establish(
        _ conninfo: String, on executor: SerialQueueExecutor, _ options: ConnectionOptions
    ) async throws(PostgresError) -> Established {
        let outcome = await withCheckedContinuation { continuation in
            executor.async {
                continuation.resume(
                    returning: Result { () throws(PostgresError) in try ConnectionString.connect(conninfo, options) })
            }
        }
        return try outcome.get()
    }

    /// Runs a statement.
    ///
    /// Cancelling the task ends the statement on the server; the connection is then not usable again, because the request
    /// may arrive late and hit the next statement.
    ///
    /// - Throws: `statement` with its SQLSTATE, `connectionLost`, `cancelled`, `misuse`. Outside a transaction a lost
    ///   connection leaves open whether the statement took effect (`mayHaveCommitted`).
    @discardableResult
    public nonisolated func execute(
        _ statement: Statement, _ parameters: Parameters = []
    ) async throws(PostgresError) -> Rows {
        let turn = canceller.nextTurn()
        let outcome = await withTaskCancellationHandler {
            await run(statement, parameters, turn)
        } onCancel: {
            canceller.cancel(turn: turn)
        }
        return Rows(result: try outcome.get())
    }

    /// Runs a text of several statements, without parameters; they stand or fall together unless the text itself holds
    /// transaction commands. Throws as ``execute(_:_:)`` does.
    public nonisolated func executeScript(_ script: Statement) async throws(PostgresError) {
        let turn = canceller.nextTurn()
        let outcome = await withTaskCancellationHandler {
            await run(script, nil, turn)
        } onCancel: {
            canceller.cancel(turn: turn)
        }
        _ = try outcome.get()
    }

    /// Asks the server to end the statement that is running, if one is; returns at once. The statement then throws
    /// `cancelled`.
    public nonisolated func cancel() { canceller.cancel(turn: nil) }

    /// Closes the connection; what is under way in it is undone. Later calls throw `misuse`.
    public func close() { wire.close() }

    /// Whether the connection can be used by the next task: open, outside a transaction, not cancelled, and, as far as
    /// can be seen without asking, not closed by the server.
    public var isUsable: Bool { !canceller.wasUsed && wire.isOpen && wire.isIdle && wire.answers() }

    /// The name under which `statement` is prepared here, preparing it at its first use.
    private func preparedName(_ statement: Statement) throws(PostgresError) -> String? {
        guard preparesStatements else { return nil }
        if let name = preparedNames[statement.text] { return name }
        let name = "attune_\(preparedNames.count)"
        try wire.prepare(statement, name: name)
        preparedNames[statement.text] = name
        return name
    }

    /// Runs a statement, or without parameters a script, as the given turn of the canceller.
    ///
    /// The cancellation handlers stand in the callers, outside the actor, and hop in by calling this method. Inside, an
    /// async closure is isolated to the actor only if it names the actor itself; one that merely calls a closure it was
    /// given runs on the cooperative pool, which must not block.
    private func run(_ statement: Statement, _ parameters: Parameters?, _ turn: Int) -> Result<
        ResultOwner, PostgresError
    > {
        let isAlone = wire.isIdle
        canceller.begin(turn: turn)
        defer { canceller.end() }
        // Looked at after `begin`: a cancellation before it is seen here, one after it finds the statement running.
        guard !Task.isCancelled else { return .failure(cancelled(statement.name)) }
        do throws(PostgresError) {
            guard let parameters else { return .success(try wire.runScript(statement)) }
            return .success(try wire.run(statement, parameters, preparedName: try preparedName(statement)))
        } catch {
            if error.sqlState == .queryCanceled, canceller.wasUsed { return .failure(cancelled(statement.name)) }
            var error = error
            // Inside a transaction nothing stands before COMMIT.
            error.mayHaveCommitted = error.mayHaveCommitted && isAlone
            return .failure(error)
        }
    }

    private func cancelled(_ statement: String) -> PostgresError {
        var error = PostgresError(.cancelled, "the statement was cancelled")
        (error.statement, error.server) = (statement, server)
        return error
    }
}

/// What ``Transaction`` and ``CopyWriter`` need; none of it can be cancelled half-way.
extension Connection {
    /// Runs a statement that must run even when the task is cancelled, such as ROLLBACK.
    func executeShielded(_ statement: Statement) throws(PostgresError) -> ResultOwner {
        try wire.run(statement, [], preparedName: nil)
    }

    /// Whether the connection is open as far as the last call showed.
    var isOpen: Bool { wire.isOpen }

    func putCopyData(_ bytes: [UInt8], _ statement: String) throws(PostgresError) {
        guard !Task.isCancelled else { throw cancelled(statement) }
        try wire.putCopyData(bytes, statement)
    }

    /// Ends a COPY and returns the number of rows.
    func endCopy(giveUpBecause reason: String?, _ statement: String) throws(PostgresError) -> Int {
        let isAlone = wire.isIdle
        do throws(PostgresError) {
            try wire.putCopyEnd(giveUpBecause: reason, statement)
            return try wire.receive(statement).affectedCount
        } catch {
            var error = error
            error.mayHaveCommitted = error.mayHaveCommitted && isAlone
            throw error
        }
    }
}
