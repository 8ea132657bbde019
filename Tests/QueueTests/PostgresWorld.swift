import Postgres
import PostgresTestSupport
import Queue
import Testing

struct PostgresWorld: QueueWorld {
    let database: TestDatabase
    let pool: ConnectionPool
    var queue: PostgresQueueStore
    var store: any QueueStore { queue }
    var lanes: [Int32] { (0..<16).map { 65536 + $0 } }

    /// Runs `body` over a database of its own, in which leases are short enough that the server is up for longer.
    static func with<Result>(_ body: (PostgresWorld) async throws -> Result) async throws -> Result {
        try await TestDatabase.with { database in
            try await database.withPool(limit: 6) { pool in
                let world = PostgresWorld(database: database, pool: pool, queue: PostgresQueueStore(pool))
                try await world.prepare()
                return try await body(world)
            }
        }
    }

    func prepare() async throws {
        try await run("UPDATE attune.setting SET lease_seconds = 30")
        try await run("SELECT pg_sleep_until(pg_postmaster_start_time() + interval '30.1 seconds')")
        try await run(
            "INSERT INTO attune.base (digest, name, width) VALUES (repeat('a', 64), 'first', 384), (repeat('b', 64), 'second', 384)"
        )
        try await run(
            """
            INSERT INTO attune.recipe (base_id, kind_id, digest, name, byte_count)
            SELECT b.base_id, 1, repeat(to_hex(n + 10 * b.base_id), 64 / length(to_hex(n + 10 * b.base_id))), 'r' || n, 1
            FROM generate_series(1, 2) AS n, attune.base b
            """)
    }

    @discardableResult
    func run(_ sql: String, _ parameters: Parameters = []) async throws -> Rows {
        try await pool.execute(Statement(name: sql, text: sql), parameters)
    }

    /// The single value that a statement returns.
    func value<Decoded: PostgresDecodable>(_ sql: String, _ parameters: Parameters = []) async throws -> Decoded {
        try await run(sql, parameters).one().decode(0)
    }

    func addTenant(_ name: String, isActive: Bool = true) async throws {
        try await run("SELECT attune.create_tenant($1)", [.text(name)])
        if isActive { try await activate(recipe: 1, for: name) }
    }

    func activate(recipe: Int32, for tenant: String) async throws {
        try await run("SELECT attune.promote($1, 'first')", [.text(tenant)])
        try await run(
            """
            SELECT attune.activate_recipe($1, r.digest) FROM attune.recipe r JOIN attune.base b USING (base_id)
            WHERE b.name = 'first' AND r.name = 'r' || $2
            """, [.text(tenant), .text("\(recipe)")])
    }

    func record(_ examples: Int, of user: String, tenant: String) async throws {
        let body = (0..<examples).map { #"{"text": "text \#($0)", "label": \#($0 % 2)}"# }.joined(separator: ",")
        try await run("SELECT attune.record($1, $2, $3)", [.text(tenant), .text(user), .json("[\(body)]")])
    }

    func erase(_ user: String, tenant: String) async throws {
        try await run("SELECT attune.erase_user($1, $2)", [.text(tenant), .text(user)])
    }

    func revision(of user: String, tenant: String) async throws -> Int32? {
        try await value(
            "SELECT revision FROM attune.users WHERE tenant = $1 AND user_id = $2", [.text(tenant), .text(user)])
    }

    func expireLease(ofWorker workerID: Int64) async throws {
        try await run(
            "UPDATE attune.worker SET lease_until = clock_timestamp() - interval '1 s' WHERE worker_id = $1",
            [.int64(workerID)])
    }

    func limit(_ tenant: String, maxRunning: Int?, jobsPerSecond: Double?) async throws {
        try await TenantLimits(pool).set(
            TenantLimit(tenant: tenant, maxRunning: maxRunning, jobsPerSecond: jobsPerSecond))
    }

    func setPaused(_ isPaused: Bool, tenant: String, kind: String?) async throws {
        let limits = TenantLimits(pool)
        if isPaused {
            try await limits.pause(tenant, kind: kind, reason: nil)
        } else {
            try await limits.resume(tenant, kind: kind)
        }
    }

    func reported() async throws -> [WorkStatistics.Ending: Int64] {
        let rows = try await run(
            "SELECT ending, sum(jobs)::bigint FROM attune.outcomes_by_minute GROUP BY ending")
        var counts: [WorkStatistics.Ending: Int64] = [:]
        for row in rows { counts[try #require(.init(rawValue: try row.decode(0)))] = try row.decode(1) }
        return counts
    }

    func makeDeferredDue() async throws {
        try await run("UPDATE attune.chunk SET run_at = clock_timestamp() WHERE state = 2")
    }
}

@Suite(.needsPostgres, .timeLimit(.minutes(5))) struct PostgresQueueTests {
    @Test("the queue in PostgreSQL", arguments: QueueConformance.allCases)
    func conforms(_ conformance: QueueConformance) async throws {
        try await PostgresWorld.with { world in
            try await conformance.check(world)
            try await world.checkInvariants()
        }
    }
}

extension PostgresWorld {
    /// What no history may break (DESIGN.md, I1, I2, I4, I5).
    func checkInvariants() async throws {
        let unaccounted: Int64 = try await value(
            """
            SELECT count(*) FROM attune.job j WHERE (SELECT count(*) FROM attune.outcome o WHERE o.job_id = j.job_id)
                + (attune.job_chunk(j.job_id) IS NOT NULL AND NOT EXISTS (
                    SELECT FROM attune.outcome o WHERE o.job_id = j.job_id))::int <> 1
            """)
        #expect(unaccounted == 0, "every job has one outcome or is in an open chunk")
        let withoutRevision: Int64 = try await value(
            """
            SELECT count(*) FROM attune.outcome o LEFT JOIN attune.revision r USING (revision_id) 
            JOIN attune.job j ON j.job_id = o.job_id JOIN attune."user" u ON u.uid = j.uid
            WHERE o.ending = 1 AND u.erased_at IS NULL AND (r.revision_id IS NULL OR r.job_id <> o.job_id)
            """)
        #expect(withoutRevision == 0, "every completed job has its revision")
        let dangling: Int64 = try await value(
            """
            SELECT count(*) FROM attune.pointer p LEFT JOIN attune.revision r USING (revision_id)
            LEFT JOIN attune.object_slot s USING (revision_id) LEFT JOIN attune.object o USING (object_id)
            WHERE p.revision_id IS NOT NULL AND (o.state IS DISTINCT FROM 0 OR r.uid <> p.uid OR r.base_id <> p.base_id)
            """)
        #expect(dangling == 0, "every pointer names a revision whose object is live")
        let forks: Int64 = try await value(
            """
            SELECT count(*) FROM attune.revision r LEFT JOIN attune.revision parent ON parent.revision_id = r.parent_id
            WHERE r.number > 1 AND (parent.uid IS DISTINCT FROM r.uid OR parent.number >= r.number)
            """)
        #expect(forks == 0, "one user's revisions form a line")
    }
}
