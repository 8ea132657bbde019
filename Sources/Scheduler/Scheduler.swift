import Campaigns
public import Logging
public import ObjectStore
public import Postgres
import Problem
public import Queue

/// One elected leader that gives lanes to workers, rescues expired leases, wakes deferred chunks, feeds campaigns and
/// collects orphans; any number of standbys.
///
/// The lock that elects it lives as long as its direct connection. Every write carries the epoch of the leadership, so
/// that a leader that was deposed without noticing changes nothing (QUEUE rule 15). Safety never rests on it.
public struct Scheduler: Sendable {
    /// How often it does what.
    public struct Configuration: Sendable {
        /// The name shown in status.
        public var name: String
        /// Seconds between ticks; default 1.
        public var tickSeconds = 1.0
        /// Seconds between steps of the orphan collector; default 10.
        public var collectSeconds = 10.0
        /// Seconds between steps that keep history bounded; default 5.
        public var historySeconds = 5.0
        /// Seconds between looks at what hurts; default 30.
        public var healthSeconds = 30.0

        /// The defaults, under a name.
        public init(name: String) { self.name = name }
    }

    let configuration: Configuration
    let conninfo: String
    private let queue: SchedulerQueue
    private let store: any QueueStore
    private let collector: OrphanCollector
    private let lanes: LaneKeeper
    private let campaigns: CampaignDriver
    let history: HistoryKeeper
    let health: HealthExaminer
    let logger: Logger

    /// - Parameters:
    ///   - conninfo: a direct connection, not through a pooler in transaction mode: it holds the leader's lock.
    ///   - pool: for everything else.
    public init(
        _ configuration: Configuration, conninfo: String, pool: ConnectionPool, queue: any QueueStore,
        objects: any ObjectStore, logger: Logger
    ) {
        self.configuration = configuration
        self.conninfo = conninfo
        self.queue = SchedulerQueue(pool)
        store = queue
        collector = OrphanCollector(queue: self.queue, store: objects)
        lanes = LaneKeeper(queue: self.queue, logger: logger)
        campaigns = CampaignDriver(pool, logger: logger)
        history = HistoryKeeper(queue: HistoryQueue(pool))
        health = HealthExaminer(pool)
        self.logger = logger
    }

    /// Stands by, leads when it can, and stands by again when it was deposed; ends when its task is cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            do {
                let connection = try await Connection.open(conninfo)
                do { try await leadWhilePossible(on: connection) } catch {
                    await connection.close()
                    throw error
                }
                await connection.close()
            } catch is CancellationError {
                return
            } catch let error as any ProblemConvertible {
                logger.warning("stands by", metadata: ["error": "\(error.problem.errorClass): \(error.problem.reason)"])
            }
            do { try await Task.sleep(for: .seconds(configuration.tickSeconds)) } catch { return }
        }
    }

    private func leadWhilePossible(on connection: Connection) async throws {
        var epoch: Int64?
        while epoch == nil {
            epoch = try await queue.lead(name: configuration.name, on: connection)
            if epoch == nil { try await Task.sleep(for: .seconds(configuration.tickSeconds)) }
        }
        guard let epoch else { return }
        logger.info("leads", metadata: ["epoch": "\(epoch)"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keepUp(epoch: epoch) }
            defer { group.cancelAll() }
            try await tickWhileLeading(epoch: epoch, on: connection)
        }
        logger.warning("no longer leads", metadata: ["epoch": "\(epoch)"])
    }

    private func tickWhileLeading(epoch: Int64, on connection: Connection) async throws {
        await lanes.begin()
        var collectedAt = ContinuousClock.now
        while try await queue.stillLeads(epoch: epoch), await connection.isUsable {
            try await tick(epoch: epoch)
            if ContinuousClock.now - collectedAt >= .seconds(configuration.collectSeconds) {
                collectedAt = .now
                await collect()
            }
            try await Task.sleep(for: .seconds(configuration.tickSeconds))
        }
    }

    /// One round of bounded duties.
    func tick(epoch: Int64) async throws {
        let rescued = try await store.rescue(limit: 100)
        for chunk in rescued {
            logger.warning(
                "rescued",
                metadata: [
                    "chunk": "\(chunk.chunkID)", "worker_id": "\(chunk.workerID)", "error": "\(chunk.errorClass)",
                    "requeued": "\(chunk.requeued)",
                ])
        }
        _ = try await store.wake(limit: 1000)
        try await lanes.tick(epoch: epoch)
        try await queue.advanceFairClock()
        try await queue.shareLimits(epoch: epoch)
        try await queue.forgetDedupKeys()
        try await queue.foldStatistics()
        try await campaigns.tick(epoch: epoch, at: Self.seconds)
    }

    /// A clock that only rises, for the pace of campaigns.
    private static var seconds: Double {
        let sinceStart = start.duration(to: .now)
        return Double(sinceStart.components.seconds) + Double(sinceStart.components.attoseconds) * 1e-18
    }

    private static let start = ContinuousClock.now

    /// A store that is out of reach delays collection and nothing else.
    private func collect() async {
        do {
            let deleted = try await collector.step()
            if deleted > 0 { logger.info("orphans collected", metadata: ["objects": "\(deleted)"]) }
        } catch {
            logger.warning("collection failed", metadata: ["error": "\(error)"])
        }
    }
}
