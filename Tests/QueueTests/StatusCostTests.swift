import Postgres
import PostgresTestSupport
import Queue
import Schema
import Testing

/// No figure costs more because more waits or has ended (CONSOLE.md, sections 1 and 3): pages that a statement reads, at
/// two sizes of the same queue.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct StatusCostTests {
    /// Adds jobs: half of them ended, half waiting in chunks of one over all lanes, and as many put off.
    private func grow(_ world: PostgresWorld, by count: Int, from waiting: Int) async throws {
        let first: Int64 = try await world.value("SELECT last_value FROM attune.chunk_id_seq")
        try await world.run("SELECT setval('attune.chunk_id_seq', \(first + Int64(2 * count)))")
        try await world.run("SELECT attune.add_partitions()")
        for statement in [
            """
            INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms)
            SELECT (\(first) + n) * 1024, 1 + n % 50, 1, 2, 1, 5 FROM generate_series(1, \(2 * count)) AS n
            """,
            """
            INSERT INTO attune.outcome (job_id, chunk_id, tenant_id, attempt, ending, tries, error_class)
            SELECT (\(first) + n) * 1024, \(first) + n, 1, 1, CASE WHEN n % 10 = 0 THEN 6 ELSE 1 END, 0,
                CASE WHEN n % 10 = 0 THEN 'bad' END
            FROM generate_series(1, \(count)) AS n
            """,
            """
            INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, job_id, error_class)
            SELECT 1, \(first) + n, 1, (\(first) + n) * 1024, 'slow' FROM generate_series(1, \(2 * count), 2) AS n
            """,
            """
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms)
            SELECT \(first) + \(count) + n, (\(waiting) + n) * 333, 65536 + n % 16, 1, 2, 1, 0, 1, 5 FROM generate_series(1, \(count)) AS n
            """,
            """
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms, run_at)
            SELECT \(first) + n, 0, 65536 + n % 16, 1, 2, 1, 2, 1, 5, now() + interval '1 d' FROM generate_series(1, \(count)) AS n
            """,
            "SELECT setval('attune.flow_2_seq', \(waiting + count))",
            "SELECT * FROM attune.sample_lanes(NULL, '{65536}', '{-1}', '{-1}')",
        ] { try await world.run(statement) }
        for table in ["job", "outcome", "chunk", "attempt_log"] {
            try await world.run("VACUUM ANALYZE attune.\(table)")
        }
    }

    private static let statements: [(name: String, sql: String)] = [
        (SQL.Queries.backlog.name, SQL.Queries.backlog.text),
        (SQL.Queries.recentOutcomes.name, SQL.Queries.recentOutcomes.text),
        (SQL.Queries.recentErrors.name, SQL.Queries.recentErrors.text),
        (SQL.Queries.workerCounts.name, SQL.Queries.workerCounts.text),
        ("published by minute", SQL.Queries.publishedByMinute.text.replacing("$1", with: "29")),
        ("newest jobs", "SELECT * FROM attune.jobs_walk()"),
        ("available", "SELECT * FROM attune.jobs_walk(states => '{available}')"),
        ("retryable", "SELECT * FROM attune.jobs_walk(states => '{retryable}')"),
        ("completed", "SELECT * FROM attune.jobs_walk(states => '{kept}')"),
        ("running", "SELECT * FROM attune.jobs_walk(states => '{running}')"),
        (
            "discarded",
            "SELECT * FROM attune.jobs_walk(tenant => 'acme', states => '{cancelled,discarded}', budget => 2000)"
        ),
        ("error class", "SELECT * FROM attune.jobs_walk(error_class => 'unheard', budget => 2000)"),
        (
            "tried",
            "SELECT * FROM attune.jobs_walk(error_class => 'slow', states => '{discarded,retryable}', budget => 2000)"
        ),
        ("user", "SELECT * FROM attune.jobs_walk(user_id => 'u7', states => '{kept}', budget => 500)"),
        ("worker", "SELECT * FROM attune.jobs_walk(worker => 'nobody')"),
    ]

    /// Pages that each statement reads, those of the functions it calls included.
    private func pages(_ world: PostgresWorld) async throws -> [String: Int64] {
        var pages: [String: Int64] = [:]
        for statement in Self.statements {
            let plan = try await world.run("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) \(statement.sql)")
                .map { try $0.decode(0, as: String.self) }
            let line = try #require(plan.first { $0.contains("Buffers: shared") }, "\(statement.name)")
            let hit = line.firstMatch(of: /hit=(\d+)/).flatMap { Int64($0.1) } ?? 0
            let read = line.firstMatch(of: /read=(\d+)/).flatMap { Int64($0.1) } ?? 0
            pages[statement.name] = hit + read
        }
        return pages
    }

    @Test("every figure reads as many pages when three times as much waits and has ended")
    func flat() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            for user in 0..<50 { try await world.record(1, of: "u\(user)", tenant: "acme") }
            try await grow(world, by: 30_000, from: 0)
            _ = try await pages(world)
            let before = try await pages(world)
            try await grow(world, by: 60_000, from: 30_000)
            _ = try await pages(world)  // as before: what is read for the first time pays for caches and hint bits
            let after = try await pages(world)
            for (name, small) in before {
                let large = try #require(after[name])
                // A level of an index more, and what hint bits and visibility maps change, is no growth.
                #expect(Double(large) <= Double(small) * 1.35 + 200, "\(name): \(small) pages, then \(large)")
            }
            let (waiting, exact): (Int64, Bool) = try await world.run(
                "SELECT waiting, exact FROM attune.backlog WHERE flow = 'bulk'"
            ).one().values(Int64.self, Bool.self)
            #expect(!exact && abs(waiting - 90_000) < 9000, "\(waiting) of 90,000")
        }
    }

    @Test("a small backlog is counted as it stands, samples or not; a large one comes from fresh samples")
    func samples() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            _ = try await world.enqueueBulk(250)
            func bulk(_ column: String) async throws -> String {
                try await world.value("SELECT \(column)::text FROM attune.backlog WHERE flow = 'bulk'")
            }
            #expect(try await bulk("(waiting, exact)") == "(250,t)")
            let lanes = "(SELECT array_agg(lane_id) FROM attune.lane)"
            let marks = "(SELECT array_agg(-1) FROM attune.lane)"
            try await world.run("SELECT * FROM attune.sample_lanes(NULL, \(lanes), \(marks), \(marks))")
            _ = try await world.store.enqueue(Bulk(tenant: "acme", entries: (0..<50).map { .init(user: "u\($0)") }))
            #expect(try await bulk("(waiting, exact)") == "(300,t)")
            // A lane that goes on past what is counted: then the sample is what there is.
            try await world.run(
                """
                INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms)
                SELECT nextval('attune.chunk_id_seq'), n, 65536, 1, 2, 1, 0, 1, 5 FROM generate_series(1, 1500) AS n
                """)
            try await world.run("SELECT * FROM attune.sample_lanes(NULL, '{65536}', '{-1}', '{-1}')")
            try await world.run(
                "UPDATE attune.lane_sample SET flow_waiting = '{7000}', waiting = 7000 WHERE lane_id = 65536 AND waiting > 0"
            )
            #expect(try await bulk("(waiting >= 7000, exact)") == "(t,f)")
            try await world.run(
                """
                INSERT INTO attune.lane_sample SELECT lane_id, sampled_at - interval '2 min', worker_id, 1000, cost_ms, head_at,
                    mark_key, mark_chunk, exact, flows, '{1000}', flow_cost_ms, flow_head_at
                FROM attune.lane_sample WHERE lane_id = 65536 AND waiting = 7000 ORDER BY sampled_at DESC LIMIT 1
                """)
            #expect(try await bulk("round(growth_per_second)") == "100")
        }
    }
}
