import Postgres
import PostgresTestSupport
import Testing

/// Which indexes the hot functions really scan, and how much of them, with a million rows in the tables.
///
/// Counted by the server while the function runs, so nothing depends on a copy of its statements in here. Each is counted
/// three times: under plans that a connection made and kept while there were a dozen rows, with the statistics of an
/// empty table, which a queue that has just been filled has, and with statistics of what is there.
@Suite(.needsPostgres, .serialized, .timeLimit(.minutes(5))) struct PlanTests {
    /// What a call scanned.
    private struct Scans {
        /// Entries read of each index of chunk, job, outcome, user and pointer that was scanned.
        var entries: [String: Int64] = [:]
        /// Tables that were read from one end to the other.
        var whole: Set<String> = []

        var largest: Int64 { entries.values.max() ?? 0 }
    }

    /// Runs `sql`, after `arrangement`, in a transaction that is rolled back, and counts what `sql` scans.
    private func scans(_ connection: Connection, _ sql: String, after arrangement: String? = nil) async throws -> Scans
    {
        let count = Statement(
            name: "counters",
            text: """
                SELECT c.relname::text, c.relkind = 'i', coalesce(pg_stat_get_xact_numscans(c.oid), 0),
                    coalesce(pg_stat_get_xact_tuples_returned(c.oid), 0)
                FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid)
                WHERE c.relkind IN ('i', 'r') AND t.relnamespace = 'attune'::regnamespace
                    AND t.relname ~ '^(user|pointer|chunk|(job|outcome)_p[0-9]+)$'
                """)
        func counters() async throws -> [String: (isIndex: Bool, scans: Int64, entries: Int64)] {
            let rows = try await connection.execute(count)
            return try Dictionary(
                uniqueKeysWithValues: rows.map {
                    let (name, isIndex, scans, entries) = try $0.values(String.self, Bool.self, Int64.self, Int64.self)
                    return (name, (isIndex, scans, entries))
                })
        }
        try await connection.executeScript(Statement(name: "begin", text: "BEGIN"))
        if let arrangement { try await connection.executeScript(Statement(name: "arrange", text: arrangement)) }
        let before = try await counters()
        try await connection.execute(Statement(name: sql, text: sql))
        var scans = Scans()
        for (name, after) in try await counters() {
            let earlier = before[name] ?? (after.isIndex, 0, 0)
            guard after.scans > earlier.scans else { continue }
            // Partitions count as their parent.
            let common = name.replacing(/_p\d+/, with: "")
            if after.isIndex {
                scans.entries[common, default: 0] += after.entries - earlier.entries
            } else {
                scans.whole.insert(common)
            }
        }
        try await connection.executeScript(Statement(name: "rollback", text: "ROLLBACK"))
        return scans
    }

    /// Those that the cases below are about: they fit in a page, which nothing is cheaper to read than.
    private let few = "(n IN (1, 2, 3, 4, 5, 7, 13, 20, 1000, 2000, 900004, 900005))"

    /// The tenant, its users and a worker; partitions for all that comes: a new one would make connections plan anew.
    private func prepare(_ world: PostgresWorld) async throws {
        try await world.run("ALTER TABLE attune.chunk SET (autovacuum_enabled = off)")
        try await world.addTenant("acme")
        _ = try await world.worker("first")
        try await world.run("UPDATE attune.worker SET lease_until = now() + interval '1 hour'")
        try await world.run("SELECT setval('attune.chunk_id_seq', 1000001)")
        try await world.run("SELECT attune.add_partitions()")
    }

    /// Those of a million chunks of one job that `condition` chooses: seven in ten wait, two are closed, one is deferred, one in
    /// a thousand is leased. Those at either end have their jobs; of a hundred thousand users, those of their numbers.
    private func fill(_ world: PostgresWorld, where condition: String) async throws {
        try await world.run(
            """
            INSERT INTO attune."user" (uid, tenant_id, user_id, data_seq) OVERRIDING SYSTEM VALUE
            SELECT n + 1, 1, 'u' || n, 1 FROM generate_series(0, 99999) AS n WHERE \(condition)
            """)
        try await world.run(
            """
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, state, job_count, cost_ms, run_at,
                worker_id, token, base_id, recipe_id, deadline, attempt, live_count)
            SELECT n, n, 65536 + n % 16, 1, 2, 1, s.state, 1, 5, CASE WHEN s.state = 2 THEN now() + interval '1 day' END,
                l.worker, l.token, l.base, l.recipe, l.deadline, CASE s.state WHEN 1 THEN 1 ELSE 0 END,
                CASE s.state WHEN 1 THEN 1 ELSE 0 END
            FROM generate_series(1, 1000000) AS n
            CROSS JOIN LATERAL (SELECT CASE WHEN n % 1000 = 0 THEN 1 WHEN n % 10 IN (1, 2) THEN 4 WHEN n % 10 = 3 THEN 2 ELSE 0 END AS state) s
            LEFT JOIN LATERAL (
                SELECT 1 AS worker, '00000000-0000-0000-0000-000000000001'::uuid AS token, 1 AS base, 1 AS recipe,
                    now() + interval '1 hour' AS deadline WHERE s.state = 1
            ) AS l ON true
            WHERE \(condition)
            """)
        try await world.run(
            """
            INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms)
            SELECT n * 1024, 1 + n % 100000, 1, 2, 1, 5 FROM generate_series(1, 1000000) AS n
            WHERE n NOT BETWEEN 50000 AND 900000 AND \(condition)
            """)
    }

    @Test(
        "each hot function reads what it needs by the index meant for it, at a million rows, whatever the statistics say"
    )
    func plans() async throws {
        try await PostgresWorld.with { world in
            try await prepare(world)
            try await fill(world, where: few)
            try await world.database.withConnection { early in
                // As often as it takes until a plan for any arguments is kept.
                for _ in 1...6 { for one in cases { _ = try await scans(early, one.sql, after: one.arrangement) } }
                try await fill(world, where: "NOT \(few)")
                try await check(early, "planned early")
            }
            try await world.database.withConnection { try await check($0, "fresh") }
            try await world.run("ANALYZE attune.chunk, attune.job, attune.\"user\"")
            try await world.database.withConnection { try await check($0, "analyzed") }
        }
    }

    @Test("a claim beside a running campaign looks its users up by their keys, not the campaign's users")
    func following() async throws {
        try await PostgresWorld.with { world in
            func pointers(_ condition: String) async throws {
                try await world.run(
                    """
                    INSERT INTO attune.pointer (uid, base_id, tenant_id, number, recipe_id, judged_through)
                    SELECT u.uid, 2, 1, 0, r.recipe_id, 0 FROM attune."user" u CROSS JOIN LATERAL (SELECT u.uid - 1 AS n) AS n
                    CROSS JOIN attune.recipe r WHERE r.base_id = 2 AND r.name = 'r1' AND \(condition)
                    """)
            }
            func check(_ connection: Connection, _ state: String) async throws {
                let scans = try await self.scans(connection, "SELECT * FROM attune.claim(1, 65540, 1000, 100)")
                #expect(scans.whole == [], "\(state)")
                #expect(scans.largest <= 510, "\(state): \(scans.entries)")
                #expect((scans.entries["pointer_pkey"] ?? 0) >= 100, "followed, \(state): \(scans.entries)")
            }
            try await prepare(world)
            try await fill(world, where: few)
            try await world.run(
                "SELECT attune.activate_recipe('acme', r.digest) FROM attune.recipe r WHERE r.base_id = 2 AND r.name = 'r1'"
            )
            try await pointers(few)
            try await world.run("SELECT attune.readapt('acme', 'second')")
            try await world.database.withConnection { early in
                for _ in 1...6 { _ = try await scans(early, "SELECT * FROM attune.claim(1, 65540, 1000, 100)") }
                try await fill(world, where: "NOT \(few)")
                try await pointers("NOT \(few)")
                try await check(early, "planned early")
            }
            try await world.database.withConnection { try await check($0, "fresh") }
            try await world.run("ANALYZE attune.chunk, attune.job, attune.\"user\", attune.pointer, attune.campaign")
            try await world.database.withConnection { try await check($0, "analyzed") }
        }
    }

    private struct Case {
        var name: String
        /// What is done before, in the same transaction.
        var arrangement: String?
        var sql: String
        /// The indexes it may scan, and the entries it may read of any of them.
        var indexes: Set<String>
        var entries: Int64

        init(_ name: String, after arrangement: String? = nil, _ sql: String, _ indexes: Set<String>, _ entries: Int64)
        {
            (self.name, self.arrangement, self.sql, self.indexes, self.entries) = (
                name, arrangement, sql, indexes, entries
            )
        }
    }

    private var cases: [Case] {
        let publish = { (verdict: Int, object: String) in
            """
            SELECT * FROM attune.publish('{1000,2000}', '{1,1}', ARRAY['00000000-0000-0000-0000-000000000001',
                '00000000-0000-0000-0000-000000000001']::uuid[], \(object), '{1024000,2048000}', '{1000,2000}', '{\(verdict),\(verdict)}',
                '{1,1}', '{NULL,NULL}', '{1,1}', '{0,64}', '{64,64}', ARRAY[sha256('a'), sha256('b')], '{4,4}', '{1,1}', '{1,1}',
                '{0.5,0.5}', '{0.4,0.4}', '{64,64}', '{1,1,1,1}', '{1000,1000}', '{e,e}', '{m,m}')
            """
        }
        let claimed: Set = ["chunk_claim", "chunk_pkey", "chunk_suspect", "job_pkey", "user_pkey", "pointer_pkey"]
        let published: Set = ["chunk_pkey", "job_pkey", "user_pkey", "pointer_pkey", "outcome_pkey"]
        return [
            Case("claim by key", "SELECT * FROM attune.claim(1, 65540, 1000, 100)", claimed, 310),
            Case("claim after a mark", "SELECT * FROM attune.claim(1, 65540, 1000, 100, 900000, 900000)", claimed, 310),
            Case(
                "sweep", "SELECT * FROM attune.claim(1, 65540, 1000, 100, 900000, 900000, pg_current_snapshot())",
                claimed.union(["chunk_late"]), 10
            ),
            Case(
                "sweep of what transactions have not committed",
                """
                SELECT * FROM attune.claim(1, 65540, 1000, 100, 900000, 900000,
                    format('3:%s:3,4', pg_snapshot_xmax(pg_current_snapshot()))::pg_snapshot)
                """, claimed.union(["chunk_late"]), 10),
            // What is leased is counted where no scheduler has split the limit: here a thousand.
            Case(
                "claim under a limit", after: "SELECT attune.set_limit('acme', max_running => 5)",
                "SELECT * FROM attune.claim(1, 65540, 1000, 100)", claimed.union(["chunk_leased", "chunk_parked"]),
                1020),
            Case("publish kept", publish(2, "NULL, NULL, NULL"), published, 30),
            Case("publish completed", publish(1, "'acme/x', sha256('c'), 128"), published, 30),
            Case("publish failed", publish(7, "NULL, NULL, NULL"), published, 30),
            Case(
                "hand back",
                "SELECT * FROM attune.publish('{1000}', '{1}', ARRAY['00000000-0000-0000-0000-000000000001']::uuid[], NULL, NULL, NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
                published, 20
            ),
            Case("rescue", "SELECT * FROM attune.rescue(100)", ["chunk_leased", "chunk_pkey"], 10),
            Case(
                "rescue of what a worker lost",
                after: "UPDATE attune.worker SET lease_until = now() - interval '1 hour'",
                "SELECT * FROM attune.rescue(2)", ["chunk_leased", "chunk_pkey", "job_pkey", "outcome_pkey"], 20),
            Case(
                "pass on",
                "SELECT attune.pass_on('{1000,2000}', '{1,1}', ARRAY['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001']::uuid[], 'base_not_held', 'm')",
                ["chunk_pkey", "job_pkey", "outcome_pkey"], 20),
            Case("wake", "SELECT attune.wake(100)", ["chunk_deferred", "chunk_parked"], 10),
            Case(
                "wake of what is due",
                after: "UPDATE attune.chunk SET run_at = now() - interval '1 s' WHERE chunk_id IN (3, 13)",
                "SELECT attune.wake(100)",
                ["chunk_deferred", "chunk_parked", "chunk_pkey", "job_pkey", "outcome_pkey"], 20),
            // By its key once more: how many examples the user has is what the job's cost is estimated from.
            Case("enqueue", "SELECT attune.enqueue('acme', 'u7')", ["user_name", "user_pkey"], 2),
            Case("enqueue many", "SELECT * FROM attune.enqueue_many('acme', '{u1,u2,u3}')", ["user_name"], 6),
            Case("cancel", "SELECT attune.cancel(1024 * 5)", published.union(["chunk_members"]), 30),
            Case(
                "retry", "SELECT attune.retry(1024 * 3)", ["chunk_pkey", "job_pkey", "outcome_pkey", "chunk_members"],
                20),
            Case("fair clock", "SELECT attune.advance_fair_clock()", ["chunk_claim", "chunk_parked"], 20),
            Case(
                "sample", "SELECT * FROM attune.sample_lanes(1, '{65540}', '{0}', '{0}', 500)",
                ["chunk_claim", "job_pkey"], 510),
        ]
    }

    private func check(_ connection: Connection, _ state: String) async throws {
        for one in cases {
            // Cases that were rolled back left dead entries; whoever meets them first marks them, and they are not met again.
            _ = try await scans(connection, one.sql, after: one.arrangement)
            let scans = try await scans(connection, one.sql, after: one.arrangement)
            #expect(scans.whole == [], "\(one.name), \(state)")
            let others = Set(scans.entries.keys).subtracting(one.indexes)
            #expect(others == [], "\(one.name), \(state)")
            #expect(scans.largest <= one.entries, "\(one.name), \(state): \(scans.entries)")
        }
    }
}
