import Foundation
public import Postgres
import Problem
import Queue
import Scheduler
import Schema

/// Who waits for whom: single jobs beside a campaign of a million, shares of flows by weight, and caps.
///
/// Workers are timed: a job takes its cost in time, so that what is measured is the order in which work is claimed. The
/// database, the claims and the publishes are real, and share this machine's cores.
public struct FairnessBench: Sendable {
    /// Sizes; the defaults are those of the published figures.
    public struct Configuration: Sendable, Codable {
        /// Timed workers.
        public var workers = 4
        /// Jobs of the campaign, in chunks of 100.
        public var campaignJobs = 1_000_000
        /// Single jobs of each kind: another tenant's, and interactive ones of the campaign's tenant.
        public var tries = 200
        /// Milliseconds of a campaign's job: chunks of half a second, and of five milliseconds.
        public var jobMilliseconds: [Float] = [5, 0.05]
        /// Seconds over which shares are counted, after a quarter of that.
        public var shareSeconds = 12.0
        /// Seconds over which the throughput of a capped tenant and of its neighbour is counted.
        public var capSeconds = 8.0
        /// Seed of the pauses between single jobs.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// What a part of the run gave.
    public struct Row: Sendable, Codable {
        /// What was measured.
        public var part: String
        /// Tries, or jobs counted.
        public var count: Int
        /// Half of the tries were claimed within this many seconds, or the share or rate.
        public var median: Double
        /// 99 of 100 tries were; nil for shares and rates.
        public var p99: Double?
        /// Jobs of the campaign that still waited at the end of the part.
        public var waiting: Int?
    }

    let configuration: Configuration
    let conninfo: String
    let pool: ConnectionPool
    let queue: PostgresQueueStore
    let log = ClaimLog()

    /// A run over a migrated database that holds nothing else.
    public init(_ configuration: Configuration, conninfo: String, pool: ConnectionPool) {
        self.configuration = configuration
        self.conninfo = conninfo
        self.pool = pool
        queue = PostgresQueueStore(pool)
    }

    /// Measures everything; figures by their names, and the rows they come from.
    public func run(progress: @Sendable (String) -> Void) async throws -> (figures: [String: Double], rows: [Row]) {
        try await pool.withConnection { try await $0.executeScript(Statement(SQL.Bench.fairSetup)) }
        return try await withLeader {
            var (figures, rows): ([String: Double], [Row]) = ([:], [])
            for (index, cost) in configuration.jobMilliseconds.enumerated() {
                progress("single jobs beside a campaign of \(configuration.campaignJobs), \(cost) ms a job")
                let (other, own) = try await latency(tenant: "campaign-\(index)", cost: cost)
                rows += [other, own]
                figures["scheduler.fair.claim_p99_seconds"] = max(
                    figures["scheduler.fair.claim_p99_seconds"] ?? 0, other.p99 ?? .infinity)
                figures["scheduler.fair.own_claim_p99_seconds"] = max(
                    figures["scheduler.fair.own_claim_p99_seconds"] ?? 0, own.p99 ?? .infinity)
            }
            for producers in [(light: 16, heavy: 1), (light: 1, heavy: 16)] {
                progress("shares of weights 1:3, \(producers.light) against \(producers.heavy) producers")
                let row = try await share(light: producers.light, heavy: producers.heavy)
                rows.append(row)
                figures["scheduler.fair.share_error"] = max(
                    figures["scheduler.fair.share_error"] ?? 0, abs(row.median - 0.75))
            }
            progress("a capped tenant beside one that is not")
            let caps = try await caps()
            rows += caps.rows
            figures["scheduler.fair.capped_ratio"] = caps.capped
            figures["scheduler.fair.others_ratio"] = caps.others
            return (figures, rows)
        }
    }

    /// Runs `body` while a leader ticks as the scheduler does: virtual time, deferred jobs, limits.
    private func withLeader<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        let scheduler = SchedulerQueue(pool)
        let connection = try await Connection.open(conninfo)
        guard let epoch = try await scheduler.lead(name: "fairness", on: connection) else {
            throw Problem(
                "bench_database_in_use", at: conninfo, "a scheduler leads here.",
                do: "measure in a database of its own.")
        }
        let ticks = Task { [queue] in
            while try await scheduler.stillLeads(epoch: epoch) {
                _ = try await queue.wake(limit: 1000)
                try await scheduler.advanceFairClock()
                try await scheduler.shareLimits(epoch: epoch)
                try await Task.sleep(for: .seconds(1))
            }
        }
        do {
            let result = try await body()
            ticks.cancel()
            await connection.close()
            return result
        } catch {
            ticks.cancel()
            await connection.close()
            throw error
        }
    }

    /// Runs `body` while the workers work; they stop, and hand nothing over, when it ends. One that fails ends the run: its
    /// lanes would wait for it.
    func withWorkers<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let worker = FairWorker(queue: queue, log: log)
        var ids: [Int64] = []
        for index in 0..<configuration.workers { ids.append(try await worker.register("fair-\(index)")) }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            for id in ids {
                group.addTask {
                    do {
                        try await worker.run(id)
                    } catch {
                        guard Task.isCancelled, Self.isCancellation(error) else { throw error }
                    }
                    // In a task of its own: what is left of this worker is its row.
                    _ = try await Task { try await queue.setState(.stopped, ofWorker: id) }.value
                    return nil
                }
            }
            group.addTask { try await body() }
            var result: Result?
            while result == nil, let ended = try await group.next() { result = ended }
            group.cancelAll()
            try await group.waitForAll()
            guard let result else { throw CancellationError() }
            return result
        }
    }

    /// Whether a task ended because it was told to, perhaps within a statement.
    static func isCancellation(_ error: any Error) -> Bool {
        error is CancellationError || (error as? any ProblemConvertible)?.problem.errorClass == "cancelled"
    }

    func makeTenant(_ name: String, users: Int) async throws {
        try await pool.execute(Statement(SQL.Bench.fairTenant), [.text(name)])
        try await pool.execute(Statement(SQL.Bench.fairActivate), [.text(name)])
        try await pool.execute(Statement(SQL.Bench.fairUsers), [.text(name), .int32(Int32(users))])
    }

    func waiting(_ tenant: String) async throws -> Int {
        try await pool.execute(Statement(SQL.Bench.fairWaiting), [.text(tenant)]).one().decode(0)
    }

    func fill(_ tenant: String, _ flow: Flow, jobs: Int, cost: Float) async throws {
        try await pool.execute(
            Statement(SQL.Bench.fairCampaign),
            [.text(tenant), .text(flow.rawValue), .int64(Int64(jobs / 100)), .float(cost)])
    }
}
