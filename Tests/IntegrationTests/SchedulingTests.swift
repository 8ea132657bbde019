import Bench
import Foundation
import Logging
import ObjectStore
import Postgres
import PostgresTestSupport
import Queue
import Scheduler
import Schema
import Testing

/// Schedulers and workers over a real database: timed work in this process, and real workers under an operator's hand.
extension EndToEnd {
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(4))) struct SchedulingTests {
        /// A tenant with timed jobs on a database of the test's own.
        private func withTimedJobs(_ count: Int, _ body: (TestDatabase, ConnectionPool) async throws -> Void)
            async throws
        {
            try await TestDatabase.with { database in
                try await database.withPool(limit: 8) { pool in
                    try await pool.withConnection { try await $0.executeScript(Statement(SQL.Bench.timedSetup)) }
                    try await pool.execute(Statement(SQL.Bench.timedUsers), [.int32(Int32(count))])
                    try await body(database, pool)
                }
            }
        }

        private func enqueue(_ count: Int, _ milliseconds: Float, _ pool: ConnectionPool) async throws {
            var bulk = Bulk(tenant: "timed", entries: (1...count).map { Bulk.Entry(user: "u-\($0)") })
            bulk.costMilliseconds = milliseconds
            _ = try await PostgresQueueStore(pool).enqueue(bulk)
        }

        private func scheduler(_ name: String, _ database: TestDatabase, _ pool: ConnectionPool) -> Scheduler {
            var configuration = Scheduler.Configuration(name: name)
            configuration.tickSeconds = 0.2
            return Scheduler(
                configuration, conninfo: database.conninfo, pool: pool, queue: PostgresQueueStore(pool),
                objects: MemoryObjectStore(), logger: Logger(label: "test"))
        }

        private func value<Decoded: PostgresDecodable>(_ sql: String, _ pool: ConnectionPool) async throws -> Decoded {
            try await pool.execute(Statement(name: sql, text: sql)).one().decode(0)
        }

        /// Runs tasks beside `body`, and ends them in order when it is over, however it ends.
        private func beside(
            _ tasks: [@Sendable () async throws -> Void], _ body: () async throws -> Void
        ) async throws {
            let running = tasks.map { task in Task { try await task() } }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            for task in running {
                task.cancel()
                _ = await task.result
            }
            try result.get()
        }

        @Test("lanes leave a worker that turns out to be slow, and every job ends once")
        func slowWorker() async throws {
            try await withTimedJobs(1200) { database, pool in
                let queue = PostgresQueueStore(pool)
                let fast = TimedWorker(queue: queue, name: "fast", speed: 2, heartbeatSeconds: 0.3)
                let slow = TimedWorker(queue: queue, name: "slow", speed: 0.1, heartbeatSeconds: 0.3)
                let leader = scheduler("s", database, pool)
                try await beside([{ try await fast.run() }, { try await slow.run() }, { try await leader.run() }]) {
                    try await eventually("both own lanes") {
                        try await value("SELECT count(DISTINCT owner) FROM attune.lane", pool) == Int64(2)
                    }
                    try await enqueue(1200, 10, pool)
                    try await eventually("both are measured") {
                        try await value("SELECT count(*) FROM attune.worker WHERE speed IS NOT NULL", pool) == Int64(2)
                    }
                    // Nothing rests any more.
                    let rested = "UPDATE attune.lane SET moved_at = moved_at - interval '1 minute'"
                    try await pool.execute(Statement(name: "rested", text: rested))
                    try await eventually("every job ends") {
                        try await value("SELECT count(*) FROM attune.outcome", pool) == Int64(1200)
                    }
                }
                let speeds = try await pool.execute(
                    Statement(name: "speeds", text: "SELECT speed FROM attune.worker ORDER BY name")
                ).map { try $0.decode(0, as: Float.self) }
                // Twenty times as fast, less what claims and publishes cost on a machine that does other things too.
                #expect(speeds[0] > 3 * speeds[1] && speeds[0] < 2.2 && speeds[1] < 0.12, "\(speeds)")
                let moved: Int64 = try await value(
                    """
                    SELECT count(*) FROM attune.lane_sample a JOIN attune.lane_sample b USING (lane_id)
                    JOIN attune.worker w ON w.worker_id = a.worker_id AND w.name = 'slow'
                    JOIN attune.worker v ON v.worker_id = b.worker_id AND v.name = 'fast' WHERE b.sampled_at > a.sampled_at
                    """, pool)
                #expect(moved > 0, "lanes that the slow worker had sampled are sampled by the fast one")
                #expect(try await value("SELECT is_fresh FROM attune.desired_workers", pool) == true)
            }
        }

        @Test("another scheduler goes on where the first one stopped: lanes stay, work goes on, the epoch rises")
        func leaderChange() async throws {
            try await withTimedJobs(300) { database, pool in
                let queue = PostgresQueueStore(pool)
                let workers = (1...2).map {
                    TimedWorker(queue: queue, name: "w-\($0)", speed: 1, heartbeatSeconds: 0.3)
                }
                let (first, second) = (scheduler("first", database, pool), scheduler("second", database, pool))
                let leading = Task { try await first.run() }
                try await beside(workers.map { worker in { try await worker.run() } }) {
                    try await eventually("all lanes are owned") {
                        try await value(
                            "SELECT count(DISTINCT owner) = 2 AND count(*) = count(owner) FROM attune.lane", pool)
                    }
                    let owners =
                        "SELECT string_agg(lane_id || ':' || owner || ':' || generation, ' ' ORDER BY lane_id) FROM attune.lane"
                    let before: String = try await value(owners, pool)
                    let epoch: Int64 = try await value("SELECT epoch FROM attune.leader WHERE name = 'first'", pool)
                    try await beside([{ try await second.run() }]) {
                        try await enqueue(300, 10, pool)
                        leading.cancel()
                        _ = await leading.result
                        try await eventually("the second leads") {
                            try await value("SELECT epoch FROM attune.leader", pool) == epoch + 1
                        }
                        try await eventually("it plans") {
                            try await value("SELECT count(*) FROM attune.lane_sample", pool) > Int64(0)
                        }
                        #expect(try await value(owners, pool) == before, "no lane moved")
                        try await eventually("every job ends") {
                            try await value("SELECT count(*) FROM attune.outcome", pool) == Int64(300)
                        }
                    }
                }
            }
        }

        @Test("a paused worker claims nothing until it is resumed, a drained one ends with 0")
        func operators() async throws {
            try await Site.with(users: 60, timing: Site.Timing(leaseSeconds: 30, chunkJobs: 5)) { site in
                let resting = try site.worker("resting")
                try await eventually("it has lanes", context: { try resting.output() }) {
                    try await site.count("attune.lane WHERE owner IS NOT NULL") > 0
                }
                _ = try await site.run("workers", "pause", "resting")
                let working = try site.worker("working")
                try await eventually("the other has all lanes", context: { try working.output() }) {
                    try await site.count(
                        "attune.lane l JOIN attune.worker w ON w.worker_id = l.owner WHERE w.name = 'working'")
                        == 16
                }
                try await site.enqueue()
                try await site.everythingEnds()
                #expect(
                    try await site.count(
                        "attune.jobs WHERE finished_at IS NOT NULL AND worker = 'resting'") == 0)
                _ = try await site.run("workers", "drain", "working")
                try await working.succeeds(within: 40)
                _ = try await site.run("workers", "resume", "resting")
                try await site.ask("SELECT attune.record('acme', 'u-1', '[{\"text\": \"new\", \"label\": 1}]')")
                try await site.enqueue(["u-1"])
                try await site.everythingEnds()
                #expect(
                    try await site.count(
                        "attune.jobs WHERE finished_at IS NOT NULL AND worker = 'resting'") == 1)
                try await eventually("both have told of a first job") {
                    try await site.count("attune.worker WHERE first_job_at IS NOT NULL") == 2
                }
                try await resting.end()
            }
        }
    }
}
