public import Postgres
import Problem
import Schema

/// What only the leading scheduler does with the queue. Each write carries the epoch of its leadership and throws
/// `deposed` when another has taken over.
public struct SchedulerQueue: Sendable {
    let pool: ConnectionPool

    /// Makes it over a pool whose role has attune_worker.
    public init(_ pool: ConnectionPool) { self.pool = pool }

    /// Tries to become the leader; nil while another is.
    ///
    /// - Parameter connection: a direct one, not through a pooler: the lock that elects leaders lives as long as it does.
    public func lead(name: String, on connection: Connection) async throws -> Int64? {
        guard try await connection.execute(Statement(SQL.Queries.leaderLock)).one().decode(0, as: Bool.self) else {
            return nil
        }
        return try await connection.execute(Statement(SQL.Queries.lead), [.text(name)]).one().decode(0)
    }

    /// Says that the leader lives; false when another leads.
    public func stillLeads(epoch: Int64) async throws -> Bool {
        try await pool.execute(Statement(SQL.Queries.leaderSeen), [.int64(epoch)]).one().decode(0)
    }

    /// Moves virtual time on; once a tick.
    public func advanceFairClock() async throws { try await pool.execute(Statement(SQL.Queries.advanceFairClock)) }

    /// Of objects found in the store, the keys of those that nothing names and nothing can publish any more. They may be
    /// deleted: no publish can name them from now on.
    public func condemn(_ objects: [(key: String, byteCount: Int64)]) async throws -> [String] {
        try await pool.execute(
            Statement(SQL.Queries.condemnObjects),
            [.array(objects.map(\.key)), .array(objects.map(\.byteCount))]
        ).one().decode(0)
    }

    /// Records that condemned objects are gone from the store; returns how many were condemned.
    @discardableResult
    public func objectsDeleted(_ keys: [String]) async throws -> Int {
        try await pool.execute(Statement(SQL.Queries.objectsDeleted), [.array(keys)]).one().decode(0)
    }

    /// Forgets dedup keys that were kept long enough, looking at no more than `limit`; returns how many.
    @discardableResult
    public func forgetDedupKeys(limit: Int = 1000) async throws -> Int {
        try await pool.execute(Statement(SQL.Queries.forgetDedup), [.int32(Int32(limit))]).one().decode(0)
    }

    /// Sums workers' reports into minutes and hours, unless that was done in the last seconds; returns how many.
    @discardableResult
    public func foldStatistics() async throws -> Int {
        try await pool.execute(Statement(SQL.Queries.foldStatistics)).one().decode(0)
    }
}
