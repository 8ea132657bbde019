import Postgres
import PostgresTestSupport
import Queue
import Testing

/// One tenant's roles and another's rows (DESIGN.md, I7; QUEUE.md, rule 12).
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct AccessTests {
    /// Two tenants with a finished and a waiting job each, and for each tenant a role that produces.
    private func withTwoTenants(
        _ body: (PostgresWorld, _ roles: [String: String], _ jobs: [String: [Int64]]) async throws -> Void
    ) async throws {
        try await PostgresWorld.with { world in
            var (roles, jobs): ([String: String], [String: [Int64]]) = ([:], [:])
            for tenant in ["acme", "birch"] {
                try await world.addTenant(tenant)
                let role = "\(world.database.name)_\(tenant)"
                try await world.run("CREATE ROLE \(role)")
                try await world.run("GRANT attune_producer TO \(role)")
                try await world.run("SELECT attune.map_role($1, '\(role)', 'produce')", [.text(tenant)])
                roles[tenant] = role
                jobs[tenant] = try await world.enqueueBulk(1, tenant: tenant)
                for chunk in try await world.claimAll(try await world.worker()) {
                    _ = try await world.store.publish(chunk.completed)
                }
            }
            for tenant in roles.keys {
                jobs[tenant]?.append(try await world.store.enqueue(NewJob(tenant: tenant, user: "u0")))
            }
            do {
                try await body(world, roles, jobs)
            } catch {
                try await drop(roles, world)
                throw error
            }
            try await drop(roles, world)
        }
    }

    private func drop(_ roles: [String: String], _ world: PostgresWorld) async throws {
        for role in roles.values {
            try await world.run("DROP OWNED BY \(role)")
            try await world.run("DROP ROLE \(role)")
        }
    }

    /// Runs statements as a role, in one transaction that is undone.
    private func asRole(
        _ role: String?, _ world: PostgresWorld, _ body: (Connection) async throws -> Void
    ) async throws {
        struct Undo: Error {}
        do {
            try await world.pool.withTransaction { connection in
                let name = try #require(role)
                try await connection.executeScript(Statement(name: "role", text: "SET LOCAL ROLE \(name)"))
                try await body(connection)
                throw Undo()
            }
        } catch is Undo {}
    }

    /// SQLSTATE, or for errors of Attune's own the class, of a statement that a role runs.
    private func refusal(_ sql: String, as role: String?, _ world: PostgresWorld) async throws -> String? {
        do {
            try await asRole(role, world) { try await $0.execute(Statement(name: sql, text: sql)) }
            return nil
        } catch let error as PostgresError {
            return error.sqlState?.isRaisedByAttune == true ? error.detail : error.sqlState?.description
        }
    }

    static let tables = [
        "tenant", "flow", "active_base", "active_recipe", "catalogue", "item", "\"user\"", "user_data", "job",
        "outcome",
        "attempt_log", "object", "revision", "object_slot", "pointer", "campaign", "stat_delta", "stat_minute",
        "stat_hour", "audit",
    ]

    @Test("a tenant's role sees its own rows in every table and view, and nobody else's")
    func ownRowsOnly() async throws {
        try await withTwoTenants { world, roles, _ in
            // A report of each tenant, one of them folded, and a discarded job of each: what figures are made of.
            for tenant in [1, 2] {
                try await world.run(
                    """
                    INSERT INTO attune.stat_delta (worker_id, beat, tenant_id, flow_id, kind_id, ending, jobs)
                    VALUES (1, 1, \(tenant), \(3 * tenant - 1), 1, 1, 1)
                    """)
                try await world.run(
                    """
                    INSERT INTO attune.stat_minute (minute, tenant_id, flow_id, kind_id, ending, since, jobs, examples, stored_bytes)
                    VALUES (now(), \(tenant), \(3 * tenant - 1), 1, 1, now(), 1, 1, 1)
                    """)
                try await world.run(
                    """
                    INSERT INTO attune.outcome (job_id, chunk_id, tenant_id, attempt, ending, tries, error_class)
                    VALUES (\(1023 - tenant), 0, \(tenant), 1, 6, 1, 'bad')
                    """)
            }
            try await asRole(roles["birch"], world) { connection in
                for table in Self.tables {
                    let foreign = try await connection.execute(
                        Statement(
                            name: table, text: "SELECT count(*) FROM attune.\(table) WHERE tenant_id <> 2"))
                    #expect(try foreign.one().decode(0, as: Int64.self) == 0, "\(table)")
                }
                for view in ["jobs", "users", "backlog", "recent_outcomes", "recent_errors"] {
                    let rows = try await connection.execute(
                        Statement(name: view, text: "SELECT DISTINCT tenant FROM attune.\(view)"))
                    #expect(try rows.map { try $0.decode(0, as: String.self) } == ["birch"], "\(view)")
                }
                let walked = "SELECT DISTINCT job_tenant FROM attune.jobs_walk()"
                let tenants = try await connection.execute(Statement(name: walked, text: walked))
                #expect(try tenants.map { try $0.decode(0, as: String?.self) } == ["birch"])
                let jobs = try await connection.execute(
                    Statement(name: "jobs", text: "SELECT state FROM attune.jobs ORDER BY job_id"))
                #expect(try jobs.map { try $0.decode(0, as: String.self) } == ["completed", "available"])
            }
        }
    }

    @Test("nobody but workers and operators reads chunks, lanes, workers' leases or partitions")
    func hiddenTables() async throws {
        try await withTwoTenants { world, roles, _ in
            for table in ["chunk", "lane", "worker", "leader", "job_p000000", "outcome_p000000", "dedup", "setting"] {
                let refused = try await refusal("SELECT * FROM attune.\(table)", as: roles["acme"], world)
                #expect(refused == "42501", "\(table)")
            }
            for table in Self.tables {
                let refused = try await refusal("DELETE FROM attune.\(table)", as: roles["acme"], world)
                #expect(refused == "42501", "\(table)")
            }
        }
    }

    @Test("another tenant's name and jobs look as if they did not exist")
    func foreignNames() async throws {
        try await withTwoTenants { world, roles, jobs in
            let foreign = try #require(jobs["acme"]?.last)
            let calls = [
                "SELECT attune.enqueue('acme', 'u0')": "unknown_tenant",
                "SELECT attune.enqueue('nobody', 'u0')": "unknown_tenant",
                "SELECT attune.record('acme', 'u0', '[]')": "unknown_tenant",
                "SELECT attune.erase_user('acme', 'u0')": "unknown_tenant",
                "SELECT attune.promote('acme', 'second')": "unknown_tenant",
                "SELECT attune.outcomes_since('acme')": "unknown_tenant",
                "SELECT * FROM attune.jobs_walk(tenant => 'acme')": "unknown_tenant",
                "SELECT attune.cancel(\(foreign))": "unknown_job",
                "SELECT attune.retry(\(foreign))": "unknown_job",
            ]
            for (sql, expected) in calls {
                #expect(try await refusal(sql, as: roles["birch"], world) == expected, "\(sql)")
            }
            let place = "SELECT * FROM attune.job_place(\(foreign), 1)"
            try await asRole(roles["birch"], world) { connection in
                let rows = try await connection.execute(Statement(name: place, text: place))
                #expect(rows.isEmpty)
            }
            #expect(try await world.state(of: foreign) == .available)
        }
    }

    @Test("a producer enqueues, cancels and records for its own tenant, and runs nothing of the queue's inside")
    func ownCalls() async throws {
        try await withTwoTenants { world, roles, jobs in
            let own = try #require(jobs["birch"]?.last)
            for sql in [
                "SELECT attune.enqueue('birch', 'u0')", "SELECT attune.cancel(\(own))",
                #"SELECT attune.record('birch', 'new', '[{"text": "a", "label": 1}]')"#,
                "SELECT attune.outcomes_since('birch')",
            ] {
                #expect(try await refusal(sql, as: roles["birch"], world) == nil, "\(sql)")
            }
            for sql in [
                "SELECT attune.claim(1, 65536, 1, 1)", "SELECT attune.rescue()", "SELECT attune.wake()",
                "SELECT attune.lead('me')", "SELECT attune.create_tenant('mine')",
                "SELECT attune.map_role('birch', current_user, 'produce')", "SELECT attune.open_jobs('{1}')",
                "SELECT attune.requeue_rest('{1}', '{1}', '{1}', '{1}', '{x}', '{x}')",
            ] {
                #expect(try await refusal(sql, as: roles["birch"], world) == "42501", "\(sql)")
            }
        }
    }

    @Test("a role that may only read cannot produce")
    func readers() async throws {
        try await withTwoTenants { world, roles, _ in
            let role = try #require(roles["birch"])
            try await world.run("SELECT attune.map_role('birch', '\(role)', 'read')")
            #expect(try await refusal("SELECT attune.enqueue('birch', 'u0')", as: role, world) == "not_allowed")
            #expect(try await refusal("SELECT attune.outcomes_since('birch')", as: role, world) == nil)
        }
    }

    @Test("a staging table that the session made itself is not read with the owner's rights")
    func forgedStaging() async throws {
        try await withTwoTenants { world, roles, _ in
            let forged = "CREATE TEMP VIEW attune_bulk AS SELECT user_id, NULL::bytea AS payload FROM attune.users"
            do {
                try await asRole(roles["birch"], world) { connection in
                    try await connection.execute(Statement(name: "forge", text: forged))
                    let commit = "SELECT attune.bulk_commit('birch')"
                    try await connection.execute(Statement(name: commit, text: commit))
                }
                Issue.record("the forged view was read")
            } catch let error as PostgresError {
                #expect(error.detail == "not_begun")
            }
            try await asRole(roles["birch"], world) { connection in
                for sql in [
                    "SELECT attune.bulk_begin()", "INSERT INTO pg_temp.attune_bulk (user_id) VALUES ('u0')",
                    "SELECT * FROM attune.bulk_commit('birch')",
                ] {
                    try await connection.execute(Statement(name: sql, text: sql))
                }
            }
        }
    }

    @Test("a worker needs no more than attune_worker")
    func workers() async throws {
        try await withTwoTenants { world, _, _ in
            try await asRole("attune_worker", world) { connection in
                let register = "SELECT worker_id FROM attune.register_worker('w', '1')"
                let id: Int64 = try await connection.execute(Statement(name: register, text: register)).one().decode(0)
                for sql in [
                    "SELECT * FROM attune.claim(\(id), 65536, 1000, 1000)",
                    "SELECT * FROM attune.heartbeat(\(id), 1, 0)",
                    "SELECT attune.adopt_lanes(\(id))", "SELECT * FROM attune.rescue()", "SELECT attune.wake()",
                    "SELECT attune.advance_fair_clock()", "SELECT attune.add_partitions()",
                    "SELECT * FROM attune.jobs", "SELECT * FROM attune.user_data", "SELECT * FROM attune.health",
                ] {
                    try await connection.execute(Statement(name: sql, text: sql))
                }
            }
        }
    }
}
