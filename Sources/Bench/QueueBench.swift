import Foundation
public import Postgres
import Queue
import Schema

/// Speed and flatness of the queue, beside what PostgreSQL gives to pgbench on the same machine in the same run.
///
/// It works in a database of its own, migrated and empty, whose tables it truncates.
public struct QueueBench: Sendable {
    /// Sizes; the defaults are those of the published figures.
    public struct Configuration: Sendable, Codable {
        /// Clients on either side: connections, and threads of pgbench.
        public var clients = 4
        /// Lanes of the queue.
        public var lanes = 64
        /// Tenants that jobs of the flatness figures belong to, in turn.
        public var tenants = 100
        /// Users of the first tenant, which the throughput figures are of.
        public var users = 200_000
        /// Users of each other tenant.
        public var smallUsers = 2000
        /// Jobs that a claim asks for at most, as a worker does.
        public var jobsPerClaim = 1000
        /// Times that each comparison is made, alternating.
        public var rounds = 3
        /// Seconds of each burst of a comparison.
        public var burstSeconds = 3
        /// Jobs that a flatness figure calls a large backlog.
        public var backlog = 1_000_000
        /// Jobs that it calls a small one.
        public var smallBacklog = 10_000
        /// Jobs of the figure that only long runs have.
        public var longBacklog = 10_000_000
        /// Jobs drained at the most for one rate of single-job chunks.
        public var singleDrain = 150_000
        /// Jobs deferred for a day that lie beside.
        public var deferred = 100_000
        /// Chunks parked beside.
        public var parkedChunks = 1000
        /// One in so many first tries fails and runs again.
        public var failsOneIn = 100
        /// Seconds for which the horizon is pinned.
        public var pinnedSeconds = 60
        /// Seed of pgbench and of the order of lanes.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}

        /// The sizes of a first look.
        public static var quick: Configuration {
            var configuration = Configuration()
            (configuration.rounds, configuration.burstSeconds) = (1, 1)
            configuration.backlog = 200_000
            configuration.singleDrain = 20_000
            configuration.deferred = 10_000
            configuration.pinnedSeconds = 12
            return configuration
        }
    }

    /// What a load generator is asked to do, and the transactions and seconds it took.
    public typealias LoadGenerator = @Sendable (PlainLoad) throws -> (transactions: Int, seconds: Double)

    /// One figure's parts: what was measured, on which side, in which round.
    public struct Burst: Sendable, Codable {
        /// The figure it belongs to.
        public var figure: String
        /// `ours` or the name of the ceiling.
        public var side: String
        /// From 1.
        public var round: Int
        /// Jobs or users ended.
        public var count: Int
        /// Seconds that they took.
        public var seconds: Double

        /// Jobs or users a second.
        public var rate: Double { Double(count) / max(1e-9, seconds) }
    }

    let configuration: Configuration
    let pool: ConnectionPool
    let queue: PostgresQueueStore
    let generate: LoadGenerator
    let progress: @Sendable (String) -> Void

    /// A run over a migrated database that holds nothing else. The pool needs a connection more than there are clients.
    public init(
        _ configuration: Configuration, pool: ConnectionPool, generate: @escaping LoadGenerator,
        progress: @escaping @Sendable (String) -> Void
    ) {
        (self.configuration, self.pool, self.generate, self.progress) = (configuration, pool, generate, progress)
        // A failed job is back within the drain that it failed in.
        queue = PostgresQueueStore(pool, retryPolicy: RetryPolicy(firstDelaySeconds: 0.5))
    }

    /// Makes tenants, users, lanes and the plain tables.
    public func prepare() async throws {
        progress("preparing \(configuration.tenants) tenants and their users")
        try await pool.withConnection { try await $0.executeScript(Statement(SQL.Bench.queueSchema)) }
        try await pool.execute(
            Statement(SQL.Bench.queuePrepare),
            [
                .int32(Int32(configuration.tenants)), .int32(Int32(configuration.users)),
                .int32(Int32(configuration.smallUsers)), .int32(Int32(configuration.lanes)),
            ])
    }

    func reset() async throws { try await pool.execute(Statement(SQL.Bench.queueReset)) }

    /// Inserts waiting chunks (`state` 0), deferred ones (2) or parked ones (3).
    func seed(jobs: Int, each: Int, tenants: Int, state: Int32 = 0) async throws {
        try await pool.execute(
            Statement(SQL.Bench.queueSeed),
            [.int32(Int32(jobs / each)), .int32(Int32(each)), .int32(Int32(tenants)), .int32(state)])
    }

    /// Statistics and a checkpoint, so that no burst pays for what went before it.
    func settle() async throws {
        try await pool.execute(Statement(SQL.Bench.queueAnalyze))
        try await pool.execute(Statement(SQL.Bench.checkpoint))
    }

    func number(_ file: SQLFile, _ parameters: Parameters = []) async throws -> Int {
        try await pool.execute(Statement(file), parameters).one().decode(0)
    }

    /// One worker for each client; their leases outlast the run.
    func workers() async throws -> [Int64] {
        var workers: [Int64] = []
        for client in 0..<configuration.clients {
            workers.append(try await queue.registerWorker(name: "bench-\(client)", version: "bench").workerID)
        }
        return workers
    }

    func lanes() async throws -> [Int32] {
        try await pool.execute(Statement(SQL.Bench.queueLanes)).map { try $0.decode(0) }
    }

    /// Middle of an odd number of values, mean of the two middle ones of an even number.
    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// The value that `share` (0...1) of all values do not exceed.
    static func quantile(_ share: Double, of values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - 1)]
    }
}

/// What pgbench is to run.
public struct PlainLoad: Sendable {
    /// The script.
    public var script: String
    /// Its variables.
    public var variables: [String: Int] = [:]
    /// Connections and threads.
    public var clients: Int
    /// Whether statements are sent as text each time, data included.
    public var isSimple = false
    /// How long; nil runs `transactions` a client.
    public var seconds: Int?
    /// Transactions of each client, without `seconds`.
    public var transactions = 0
    /// Seed of its random numbers.
    public var seed: UInt64
}
