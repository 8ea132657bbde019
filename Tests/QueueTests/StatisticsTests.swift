import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Figures from reports: each report once, whoever folds, however late it commits (CONSOLE.md, section 3).
@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct StatisticsTests {
    private static let total = "SELECT coalesce(sum(jobs), 0)::bigint FROM attune"

    /// Runs `body` in a database with one tenant, whose flow 2 is its bulk.
    private func inTenant(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme", isActive: false)
            try await body(world)
        }
    }

    /// A report as of some time ago.
    private func report(
        _ world: PostgresWorld, beat: Int, tenant: Int = 1, flow: Int = 2, jobs: Int = 1, ago: String = "0"
    ) async throws {
        try await world.run(
            """
            INSERT INTO attune.stat_delta (worker_id, beat, tenant_id, flow_id, kind_id, ending, jobs, examples, stage_ms, latency, at)
            VALUES (1, \(beat), \(tenant), \(flow), 1, 1, \(jobs), 4, '{1,2,3,4}', array_fill(1::bigint, '{80}'),
                clock_timestamp() - interval '\(ago)')
            """)
    }

    /// Folds until nothing is left: transactions of other tests hold the fold back for moments.
    private func fold(_ world: PostgresWorld) async throws {
        while try await world.value(
            "SELECT EXISTS (SELECT FROM attune.stat_delta d, attune.stat_cursor c WHERE d.born > c.folded)"
        ) {
            _ = try await world.value("SELECT attune.fold_statistics(2)", []) as Int32
        }
    }

    @Test("what is read is the same before and after folding, and in between")
    func foldsOnce() async throws {
        try await inTenant { world in
            for beat in 1...5 { try await report(world, beat: beat, jobs: beat) }
            let read = "\(Self.total).outcomes_by_minute WHERE ending = 1"
            #expect(try await world.value(read) == Int64(15))
            try await fold(world)
            try await report(world, beat: 6, jobs: 100)
            #expect(try await world.value(read) == Int64(115))
            try await fold(world)
            try await fold(world)
            #expect(try await world.value(read) == Int64(115))
            #expect(try await world.value("\(Self.total).stat_minute WHERE ending = 1") == Int64(115))
            let sums = try await world.run(
                "SELECT attune.sum_arrays(stage_ms), attune.sum_arrays(latency), sum(examples)::bigint FROM attune.stat_minute WHERE ending = 1"
            ).one()
            #expect(try sums.decode(0) == [Int64(6), 12, 18, 24])
            #expect(try sums.decode(1) == [Int64](repeating: 6, count: 80))
            #expect(try sums.decode(2) == Int64(24))
        }
    }

    @Test("a report that commits after later ones were folded is folded too, once")
    func lateCommit() async throws {
        try await inTenant { world in
            try await world.database.withConnection { late in
                let sql =
                    "INSERT INTO attune.stat_delta (worker_id, beat, tenant_id, flow_id, kind_id, ending, jobs) VALUES (9, 1, 1, 2, 1, 1, 7)"
                try await late.executeScript(Statement(name: "begin", text: "BEGIN"))
                try await late.execute(Statement(name: sql, text: sql))
                try await report(world, beat: 1)
                _ = try await world.value("SELECT attune.fold_statistics()") as Int32
                try await late.executeScript(Statement(name: "commit", text: "COMMIT"))
            }
            #expect(try await world.value("\(Self.total).outcomes_by_minute WHERE ending = 1") == Int64(8))
            try await fold(world)
            #expect(try await world.value("\(Self.total).stat_minute WHERE ending = 1") == Int64(8))
        }
    }

    @Test("tenants that are not among the busiest are summed as one")
    func others() async throws {
        try await inTenant { world in
            try await world.run("UPDATE attune.setting SET statistics_tenants = 2")
            for name in ["birch", "cedar", "dogwood"] { try await world.addTenant(name, isActive: false) }
            // Two that are busy, folded first; then two that are not: however the fold is cut, they are not among the busiest.
            for tenants in [[2, 4], [1, 3]] {
                for tenant in tenants {
                    try await report(
                        world, beat: tenant, tenant: tenant, flow: 3 * tenant - 1, jobs: [5, 50, 7, 70][tenant - 1])
                }
                try await fold(world)
            }
            let rows = try await world.run(
                "SELECT tenant, sum(last_hour)::bigint FROM attune.recent_outcomes WHERE state = 'completed' GROUP BY 1 ORDER BY 2"
            )
            let found = try rows.map { "\(try $0.decode(0, as: String.self)) \(try $0.decode(1, as: Int64.self))" }
            #expect(found == ["other 12", "birch 50", "dogwood 70"])
            #expect(
                try await world.value("SELECT count(DISTINCT tenant_id) FROM attune.stat_minute WHERE ending = 1")
                    == Int64(3))
        }
    }

    @Test("an hour that is over is summed; a report that comes even later is added to it")
    func hours() async throws {
        try await inTenant { world in
            for beat in 1...3 { try await report(world, beat: beat, ago: "3 hours") }
            try await fold(world)
            for _ in 0..<5 { _ = try await world.value("SELECT attune.fold_statistics()") as Int32 }
            #expect(try await world.value("\(Self.total).stat_hour WHERE ending = 1") == Int64(3))
            try await report(world, beat: 4, jobs: 10, ago: "3 hours")
            try await report(world, beat: 5, jobs: 100, ago: "70 days")
            try await fold(world)
            #expect(try await world.value("\(Self.total).stat_hour WHERE ending = 1") == Int64(113))
            let through: Bool = try await world.value(
                "SELECT hours_through >= date_trunc('hour', clock_timestamp() - interval '2 minutes') FROM attune.stat_cursor"
            )
            #expect(through, "hours without reports are passed over")
        }
    }

    @Test("reports go ten minutes after they came, minutes and months once they were kept long enough")
    func retention() async throws {
        try await inTenant { world in
            try await report(world, beat: 1, ago: "500 days")
            try await report(world, beat: 2, ago: "3 days")
            try await report(world, beat: 3, ago: "20 minutes")
            try await report(world, beat: 4)
            try await fold(world)
            for _ in 0..<8 { _ = try await world.value("SELECT attune.fold_statistics()") as Int32 }
            let kept: [Int64] = try await world.value(
                "SELECT array_agg(beat ORDER BY beat) FROM attune.stat_delta WHERE worker_id = 1")
            #expect(kept == [4])
            #expect(try await world.value("\(Self.total).stat_minute WHERE ending = 1") == Int64(2))
            #expect(
                try await world.value("\(Self.total).stat_hour WHERE ending = 1 AND hour < now() - interval '1 day'")
                    == Int64(1))
            let months: Int64 = try await world.value(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = 'attune.stat_hour'::regclass")
            #expect(months <= 3)
        }
    }

    @Test("a quantile is the end of the bucket that holds it")
    func quantiles() async throws {
        try await inTenant { world in
            func quantile(_ q: String, _ buckets: String) async throws -> Int64? {
                try await world.value("SELECT attune.latency_quantile('{\(buckets)}', \(q))")
            }
            #expect(try await quantile(".5", "0,0,5,5,0,1") == 8)
            #expect(try await quantile(".45", "0,0,5,5,0,1") == 4)
            #expect(try await quantile(".99", "0,0,5,5,0,1") == 32)
            #expect(try await quantile("0", "1,1") == 1)
            #expect(try await quantile(".5", "0,0") == nil)
            try await report(world, beat: 1, jobs: 20)
            let rows = try await world.run(
                "SELECT stage, jobs::bigint, p50_ms FROM attune.recent_latency WHERE tenant = 'acme' AND flow = 'bulk' ORDER BY stage"
            )
            #expect(try rows.map { try $0.decode(0, as: String.self) } == ["adapt", "encode", "fetch", "upload"])
            #expect(
                try rows.allSatisfy { try $0.decode(1, as: Int64.self) == 20 && $0.decode(2, as: Int64.self) == 512 })
        }
    }

    @Test("without a scheduler a worker's report folds; with one it leaves that to it")
    func whoFolds() async throws {
        try await inTenant { world in
            try await report(world, beat: 1)
            let statistics = StatisticsReport(workerID: 2, beat: 1, statistics: WorkStatistics())
            try await world.run(
                "UPDATE attune.leader SET epoch = 1, seen_at = clock_timestamp() + interval '1 hour'")
            try await world.store.record(statistics)
            #expect(try await world.value("SELECT folded_at IS NULL FROM attune.stat_cursor") == true)
            try await world.run("UPDATE attune.leader SET seen_at = clock_timestamp() - interval '1 hour'")
            try await world.store.record(statistics)
            #expect(try await world.value("SELECT folded_at IS NOT NULL FROM attune.stat_cursor") == true)
        }
    }
}
