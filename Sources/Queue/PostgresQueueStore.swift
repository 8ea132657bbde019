public import FoundationEssentials
public import Postgres
import Problem
import Schema

/// The queue in PostgreSQL: each call is one statement, hence one transaction, of the functions in schema `attune`.
public struct PostgresQueueStore: QueueStore {
    let pool: ConnectionPool
    let retryPolicy: RetryPolicy
    /// How often and when a call is made again; see ``run(_:_:isRepeatable:)``.
    let repeats: Backoff
    let clock: @Sendable () -> Date
    let clockReports = ClockReports()

    /// Entries of a bulk that go in one statement at most; a larger bulk is copied to the server first.
    let entriesInStatement: Int

    /// Makes a store over a pool; the pool's role needs attune_worker, and attune_producer to enqueue.
    ///
    /// - Parameter clock: this machine's, which nothing is judged by: the database is told once a minute how far it is off.
    public init(
        _ pool: ConnectionPool, retryPolicy: RetryPolicy = RetryPolicy(), repeats: Backoff = .queueCall,
        entriesInStatement: Int = 10_000, clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.pool = pool
        self.clock = clock
        self.retryPolicy = retryPolicy
        self.repeats = repeats
        self.entriesInStatement = entriesInStatement
    }

    /// Runs a statement, again where the error goes away by itself.
    ///
    /// - Parameter isRepeatable: whether it may take effect twice. Otherwise it is run again only where it certainly had no
    ///   effect: a claim whose reply got lost has taken chunks that a second one would not return, and a job without a dedup
    ///   key would become two.
    @discardableResult
    func run(_ file: SQLFile, _ parameters: Parameters, isRepeatable: Bool = true) async throws -> Rows {
        var (failures, random) = (0, SystemRandomNumberGenerator())
        while true {
            do {
                return try await pool.execute(Statement(file), parameters)
            } catch let error as PostgresError where error.isRetryable && (isRepeatable || !error.mayHaveCommitted) {
                failures += 1
                guard let delay = repeats.delaySeconds(afterFailures: failures, random: &random) else { throw error }
                try await Task.sleep(for: .seconds(delay))
            }
        }
    }

    /// Asks for one job. Without a dedup key a lost reply is not repeated: it could make a second job.
    public func enqueue(_ job: NewJob) async throws -> Int64 {
        let parameters: Parameters = [
            .text(job.tenant), .text(job.user), .text(job.flow.rawValue), .text(job.kind), .bytes(job.payload),
            .text(job.dedupKey), .timestamp(job.runAt), .float(job.costMilliseconds), .text(job.trace),
            .int32(job.priority),
        ]
        return try await run(SQL.Queries.enqueueJob, parameters, isRepeatable: job.dedupKey != nil).one().decode(0)
    }

    /// See ``QueueStore/registerWorker(name:version:)``.
    public func registerWorker(name: String, version: String) async throws -> WorkerRegistration {
        let row = try await run(SQL.Queries.registerWorker, [.text(name), .text(version)]).one()
        return WorkerRegistration(workerID: try row.decode(0), leaseSeconds: try row.decode(1))
    }

    /// See ``QueueStore/setBases(_:ofWorker:)``.
    public func setBases(_ digests: [String], ofWorker workerID: Int64) async throws {
        try await run(SQL.Queries.setWorkerBases, [.int64(workerID), .array(digests)])
    }

    /// See ``QueueStore/passOn(_:reason:)``.
    @discardableResult
    public func passOn(_ chunks: [Fence], reason: String) async throws -> Int {
        try await run(
            SQL.Queries.passOn,
            [
                .array(chunks.map(\.chunkID)), .array(chunks.map(\.attempt)), .array(chunks.map(\.token)),
                .text("base_not_held"), .text(reason),
            ]
        ).one().decode(0)
    }

    /// See ``QueueStore/cancel(jobID:)``.
    public func cancel(jobID: Int64) async throws -> JobState {
        try await run(SQL.Queries.cancelJob, [.int64(jobID)]).one().decodeCase(0)
    }

    /// See ``QueueStore/retry(jobID:)``. A lost reply is not repeated: it could make a second job.
    public func retry(jobID: Int64) async throws -> Int64 {
        try await pool.execute(Statement(SQL.Queries.retryJob), [.int64(jobID)]).one().decode(0)
    }

    /// See ``QueueStore/job(_:)``.
    public func job(_ jobID: Int64) async throws -> JobStatus? {
        guard let row = try await run(SQL.Queries.jobStatus, [.int64(jobID)]).oneOrNone() else { return nil }
        return JobStatus(
            jobID: try row.decode(0), tenant: try row.decode(1), user: try row.decode(2), state: try row.decodeCase(3),
            attempt: try row.decode(4), tries: try row.decode(5), errorClass: try row.decode(6),
            message: try row.decode(7), revision: try row.decode(8), mergedInto: try row.decode(9))
    }

    /// See ``QueueStore/rescue(limit:)``.
    public func rescue(limit: Int = 100) async throws -> [RescuedChunk] {
        try await run(SQL.Queries.rescueChunks, [.int32(Int32(limit))]).map { row in
            RescuedChunk(
                chunkID: try row.decode(0), workerID: try row.decode(1), errorClass: try row.decode(2),
                requeued: try row.decode(3), discarded: try row.decode(4))
        }
    }

    /// See ``QueueStore/wake(limit:)``.
    public func wake(limit: Int = 1000) async throws -> Int {
        try await run(SQL.Queries.wakeChunks, [.int32(Int32(limit))]).one().decode(0)
    }
}

extension Backoff {
    /// For calls of the queue: eight tries over some ten seconds; a worker that gets no answer for longer says so.
    public static let queueCall = Backoff(tries: 8, firstDelaySeconds: 0.05, longestDelaySeconds: 5)
}

extension Row {
    /// Reads a text column as a case of an enumeration.
    func decodeCase<Case: RawRepresentable<String>>(_ column: Int) throws -> Case {
        let word = try decode(column, as: String.self)
        guard let known = Case(rawValue: word) else {
            throw Problem(
                "schema_newer", at: "\(Case.self)",
                "the database says \(Problem.excerpt(word)), which this attune does not know.",
                do: "install a newer attune.")
        }
        return known
    }
}
