public import Postgres
import Problem
import Schema

/// The queue as a meta-training sees it that leaves its gradients to workers.
public struct MetaRunQueue: Sendable {
    /// How a gradient's job ended.
    public struct Ended: Sendable, Equatable {
        /// The job.
        public var jobID: Int64
        /// `completed`, `discarded` or `cancelled`.
        public var state: JobState
        /// Class of the error that ended it; empty where it completed.
        public var errorClass: String
        /// The error's message; where it completed, the key of the object that holds the gradient.
        public var message: String
        /// Name of the worker that ended it.
        public var worker: String

        /// Makes a row; the queue does, and tests.
        public init(jobID: Int64, state: JobState, errorClass: String = "", message: String, worker: String) {
            (self.jobID, self.state, self.errorClass) = (jobID, state, errorClass)
            (self.message, self.worker) = (message, worker)
        }
    }

    /// The kind of the jobs.
    public static let kind = "meta_gradient"

    private let store: PostgresQueueStore

    /// Makes it over a pool whose role may produce for the tenant.
    public init(_ pool: ConnectionPool) { store = PostgresQueueStore(pool) }

    /// Begins a run of a tenant, or goes on with one; unless it is heard of once a day, its objects may be collected.
    ///
    /// - Returns: the run, and the first component of the keys of the tenant's objects.
    public func begin(tenant: String, run: Int64? = nil) async throws -> (run: Int64, keyPrefix: String) {
        let row = try await store.run(SQL.Queries.beginMetaRun, [.text(tenant), .int64(run)]).one()
        return (try row.decode(0), try row.decode(1))
    }

    /// Ends a run: what is left of it in the store may be collected.
    public func end(run: Int64) async throws { try await store.run(SQL.Queries.endMetaRun, [.int64(run)]) }

    /// Asks for gradients, one job a payload; returns the jobs in order.
    ///
    /// Repeated when a reply was lost: what came of that is computed and never asked for, and goes with the run.
    public func enqueue(run: Int64, payloads: [[UInt8]], costMilliseconds: Float) async throws -> [Int64] {
        try await store.run(
            SQL.Queries.enqueueGradients, [.int64(run), .array(payloads), .float(costMilliseconds)]
        ).one().decode(0)
    }

    /// Those of the jobs that have ended.
    public func ended(_ jobs: [Int64]) async throws -> [Ended] {
        try await store.run(SQL.Queries.endedGradients, [.array(jobs)]).map { row in
            Ended(
                jobID: try row.decode(0), state: try row.decodeCase(1), errorClass: try row.decode(2),
                message: try row.decode(3), worker: try row.decode(4))
        }
    }

    /// Cancels a job that nobody waits for any more.
    public func cancel(_ job: Int64) async throws { _ = try await store.cancel(jobID: job) }
}
