public import Postgres
import Queue
import Schema
import Foundation

/// Timed work on worker processes of unlike speeds: how near the finish comes to the best there is.
public struct ScheduleBench: Sendable {
    /// Sizes; the defaults are those of the published figure.
    public struct Configuration: Sendable, Codable {
        /// Speed of each worker, in reference milliseconds a millisecond.
        public var speeds = [1, 1, 1, 0.125]
        /// Seconds that the work takes all workers together at the least.
        public var idealSeconds = 60.0
        /// The same of the run without a scheduler, which takes six times as long.
        public var unbalancedIdealSeconds = 6.0
        /// Cost of a job in milliseconds; ten make a chunk.
        public var jobMilliseconds: Float = 20
        /// Seconds between heartbeats; lanes are sampled half as often.
        public var heartbeatSeconds = 5.0

        /// The defaults.
        public init() {}
    }

    /// What a worker did of a round.
    public struct Share: Sendable, Codable {
        /// The round: `balanced` or `unbalanced`.
        public var round: String
        /// The worker.
        public var worker: String
        /// Jobs it ended.
        public var jobs: Int
        /// Seconds from the start to its last.
        public var seconds: Double
        /// Its speed as measured, in reference milliseconds a millisecond; nil where it was not.
        public var speed: Float?
    }

    private let configuration: Configuration
    private let pool: ConnectionPool

    /// A run over a migrated database that holds nothing else.
    public init(_ configuration: Configuration, pool: ConnectionPool) {
        self.configuration = configuration
        self.pool = pool
    }

    /// Makes the tenant and its users.
    public func prepare() async throws {
        try await pool.withConnection { try await $0.executeScript(Statement(SQL.Bench.timedSetup)) }
        let seconds = max(configuration.idealSeconds, configuration.unbalancedIdealSeconds)
        try await pool.execute(Statement(SQL.Bench.timedUsers), [.int32(Int32(jobs(seconds)))])
    }

    private func jobs(_ idealSeconds: Double) -> Int {
        Int(idealSeconds * configuration.speeds.reduce(0, +) * 1000 / Double(configuration.jobMilliseconds))
    }

    /// Enqueues a round's jobs once every worker owns lanes, and waits until they have ended; seconds over the least
    /// there could be.
    ///
    /// - Parameter isBalanced: whether a scheduler leads; else workers keep what they adopted, and nobody helps.
    public func round(isBalanced: Bool) async throws -> (ratio: Double, shares: [Share]) {
        try await pool.execute(Statement(SQL.Bench.timedHelps), [.int32(isBalanced ? 15 : 86_400)])
        var now = Date.distantPast
        while true {
            let row = try await pool.execute(Statement(SQL.Bench.timedProgress), [.timestamp(.now)]).one()
            now = try row.decode(3)
            if try row.decode(2, as: Int.self) == configuration.speeds.count { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        let ideal = isBalanced ? configuration.idealSeconds : configuration.unbalancedIdealSeconds
        let count = jobs(ideal)
        var bulk = Bulk(tenant: "timed", entries: (1...count).map { Bulk.Entry(user: "u-\($0)") })
        bulk.costMilliseconds = configuration.jobMilliseconds
        _ = try await PostgresQueueStore(pool).enqueue(bulk)
        while true {
            let row = try await pool.execute(Statement(SQL.Bench.timedProgress), [.timestamp(now)]).one()
            if try row.decode(0, as: Int.self) >= count {
                let seconds: Double = try row.decode(1)
                let shares = try await pool.execute(Statement(SQL.Bench.timedShares), [.timestamp(now)]).map { row in
                    Share(
                        round: isBalanced ? "balanced" : "unbalanced", worker: try row.decode(0),
                        jobs: try row.decode(1), seconds: try row.decode(2), speed: try row.decode(3))
                }
                return (seconds / ideal, shares)
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
