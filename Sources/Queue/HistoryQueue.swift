public import Postgres
import Problem
import Schema

/// What the leader does to keep history bounded: partitions made ahead, closed and dropped, and rows pruned that nobody
/// needs any more. Every call is one bounded transaction, carries the leader's epoch and throws `deposed` when another has
/// taken over.
public struct HistoryQueue: Sendable {
    /// What became of a partition that is due to go.
    public enum Departure: String, Sendable {
        /// No partition is due.
        case nothing
        /// It is out of job and outcome; its table goes with a later call.
        case dropped
        /// A table taken out before is gone.
        case removed
        /// A lock was not to be had in 50 ms; to be tried again.
        case busy
        /// Some snapshot is older than the copies of what must live on.
        case waiting
    }

    /// A table that is pruned row by row.
    public enum Duty: String, Sendable, CaseIterable {
        case chunks
        case attempts
        case workers
        case objects
        case revisions
    }

    private let pool: ConnectionPool

    /// Makes it over a pool whose role has attune_worker.
    public init(_ pool: ConnectionPool) { self.pool = pool }

    /// Makes partitions ahead, starts a new one when the current one has been in use for an eighth of the time that history
    /// is kept, and closes those that nothing can be inserted into any more. Returns how many it closed.
    @discardableResult
    public func advance(epoch: Int64) async throws -> Int {
        try await pool.execute(Statement(SQL.Queries.advanceHistory), [.int64(epoch)]).one().decode(0)
    }

    /// Looks at the next jobs of the partition that goes next and copies those that must outlive it.
    ///
    /// - Parameters:
    ///   - budget: jobs looked at, at most.
    ///   - mostStragglers: with more jobs that have not ended, the partition stays for another day.
    /// - Returns: how many jobs it looked at; fewer than `budget`: there are no more.
    public func walk(epoch: Int64, budget: Int, mostStragglers: Int = 100_000) async throws -> Int {
        try await pool.execute(
            Statement(SQL.Queries.walkHistory),
            [.int64(epoch), .int32(Int32(budget)), .int32(Int32(mostStragglers))]
        ).one().decode(0)
    }

    /// Takes out a partition that has been looked through, or removes one that was taken out.
    public func drop(epoch: Int64) async throws -> Departure {
        let said: String = try await pool.execute(Statement(SQL.Queries.dropHistory), [.int64(epoch)]).one().decode(0)
        guard let departure = Departure(rawValue: said) else {
            throw Problem(
                "unknown_answer", at: "attune.drop_history", "it says \(said).", do: "attune migrate with this program")
        }
        return departure
    }

    /// One step of pruning; returns how many rows it went through, below `budget` when it has come to the end.
    public func prune(_ duty: Duty, epoch: Int64, budget: Int) async throws -> Int {
        let file =
            switch duty {
            case .chunks: SQL.Queries.pruneChunks
            case .attempts: SQL.Queries.pruneAttempts
            case .workers: SQL.Queries.pruneWorkers
            case .objects: SQL.Queries.pruneObjects
            case .revisions: SQL.Queries.pruneRevisions
            }
        return try await pool.execute(Statement(file), [.int64(epoch), .int32(Int32(budget))]).one().decode(0)
    }
}
