import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Schema
import Testing

/// A queue whose health is looked at.
struct HealthWorld {
    let world: PostgresWorld
    let examiner: HealthExaminer

    static func with(_ body: (HealthWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await body(HealthWorld(world: world, examiner: HealthExaminer(world.pool)))
        }
    }

    /// What one check finds now.
    func look(_ name: String) async throws -> [HealthFinding] {
        let check = try #require(SQL.Checks.all.first { $0.name == "checks/\(name).sql" })
        let examiner = HealthExaminer(world.pool, checks: [check])
        return try await examiner.judge(try await examiner.examine())
    }

    /// Lets a check warn from `value` on, and call it bad from `bad` on.
    func limit(_ name: String, _ value: Double, bad: Double = .infinity) async throws {
        try await world.run(
            "UPDATE attune.health_check SET warn_at = $2, bad_at = $3 WHERE name = $1",
            [.text(name), .double(value), .double(bad)])
    }

    func enqueue(_ user: String) async throws -> Int64 {
        try await world.record(2, of: user, tenant: "acme")
        return try await world.store.enqueue(NewJob(tenant: "acme", user: user))
    }

    /// Statements of another session, which `body` may then look at.
    func withSession(_ sql: String, _ body: (Connection) async throws -> Void) async throws {
        try await world.database.withConnection { other in
            try await other.executeScript(Statement(name: sql, text: sql))
            try await body(other)
        }
    }
}

/// Each finding, provoked for real.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct HealthTests {
    @Test("a queue with a worker and nothing to do is well")
    func well() async throws {
        try await HealthWorld.with { health in
            _ = try await health.world.worker()
            let findings = try await health.examiner.judge(try await health.examiner.examine())
            // Other tests' transactions and the server's settings are not this database's.
            let others: Set = ["feed", "connections", "durability", "slots", "wal"]
            #expect(findings.filter { $0.status != .ok && !others.contains($0.name) } == [])
            let checks: Int64 = try await health.world.value("SELECT count(*) FROM attune.health_check")
            #expect(Set(findings.map(\.name)).count == Int(checks) - 1, "all but the pooler, which is no statement")
        }
    }

    @Test("no worker: bad, and what to start")
    func workers() async throws {
        try await HealthWorld.with { health in
            let none = try await health.look("workers")
            #expect(none.map(\.status) == [.bad] && none.map(\.helps) == ["attune worker"])
            _ = try await health.world.worker()
            let one = try await health.look("workers")
            #expect(one.map(\.status) == [.ok] && one.map(\.what) == ["1 workers live"])
        }
    }

    @Test("chunks of a worker whose lease has run out")
    func leases() async throws {
        try await HealthWorld.with { health in
            let worker = try await health.world.worker()
            _ = try await health.enqueue("u")
            _ = try await health.world.claimOne(worker)
            #expect(try await health.look("leases").map(\.status) == [.ok])
            try await health.world.expireLease(ofWorker: worker)
            let found = try await health.look("leases")
            #expect(found.map(\.status) == [.warn] && found.map(\.measured) == [1])
            _ = try await health.world.store.rescue(limit: 10)
            #expect(try await health.look("leases").map(\.status) == [.ok])
        }
    }

    @Test("a lane with work and no live owner, for how long")
    func lanes() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            #expect(try await health.look("lanes").map(\.status) == [.ok], "nothing waits")
            _ = try await health.enqueue("u")
            try await world.run("UPDATE attune.lane SET moved_at = clock_timestamp() - interval '40 s'")
            let found = try await health.look("lanes")
            #expect(found.map(\.status) == [.warn])
            #expect(found.first?.what.hasPrefix("1 lanes with work have no live owner, the first for 4") == true)
            let worker = try await world.worker()
            try await world.run("UPDATE attune.lane SET owner = $1", [.int64(worker)])
            #expect(try await health.look("lanes").map(\.status) == [.ok])
            _ = try await world.store.setState(.draining, ofWorker: worker)
            try await health.limit("lanes", 0)
            #expect(try await health.look("lanes").map(\.status) == [.warn], "who drains claims nothing")
        }
    }

    @Test("a tenant without an active recipe, by name")
    func recipes() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            try await world.addTenant("birch", isActive: false)
            try await world.record(2, of: "u", tenant: "birch")
            _ = try await world.store.enqueue(NewJob(tenant: "birch", user: "u"))
            #expect(try await health.look("recipes").map(\.status) == [.ok])
            _ = try await world.claimAll(try await world.worker())
            let found = try await health.look("recipes")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["birch"])
        }
    }

    @Test("chunks that go round because no worker has their base, by tenant, with what it said")
    func bases() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            _ = try await health.enqueue("u")
            let chunk = try await world.claimOne(try await world.worker())
            try await health.limit("bases", 0)
            #expect(try await health.look("bases").map(\.status) == [.ok])
            _ = try await world.store.passOn([chunk.fence], reason: "it holds another")
            let found = try await health.look("bases")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["acme"])
            #expect(found.first?.what.hasSuffix("it holds another") == true)
            #expect(try await health.look("recipes").map(\.status) == [.ok], "its tenant has a recipe")
            try await world.run("UPDATE attune.attempt_log SET at = at - interval '11 minutes'")
            #expect(try await health.look("bases").map(\.status) == [.ok])
        }
    }

    @Test("jobs given up, by tenant and class")
    func discarded() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            _ = try await health.enqueue("u")
            let chunk = try await world.claimOne(try await world.worker())
            _ = try await world.store.publish(
                chunk.delivery { _ in .failed(errorClass: "one_class", message: "", retryable: false) })
            let found = try await health.look("discarded")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["acme one_class"])
            #expect(found.map(\.helps) == ["attune jobs --tenant acme --error-class one_class"])
            try await world.run("UPDATE attune.outcome SET finished_at = finished_at - interval '61 minutes'")
            #expect(try await health.look("discarded").map(\.status) == [.ok])
        }
    }

    @Test("a worker whose clock is off, by how much and which way; told with a heartbeat, once a minute")
    func clocks() async throws {
        try await HealthWorld.with { health in
            let (pool, worker) = (health.world.pool, try await health.world.worker("w-07"))
            func beat(_ store: PostgresQueueStore) async throws {
                _ = try await store.heartbeat(Heartbeat(workerID: worker, progress: 1, jobsInHand: 0))
            }
            try await beat(health.world.queue)
            #expect(try await health.look("clocks").map(\.status) == [.ok])
            let fast = PostgresQueueStore(pool, clock: { Date() + 7 })
            try await beat(fast)
            let found = try await health.look("clocks")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["w-07"])
            #expect(found.first?.what.contains("s ahead of the database's") == true)
            // Within the minute it is not told again.
            try await health.world.run("UPDATE attune.worker_clock SET ahead_seconds = 0")
            try await beat(fast)
            #expect(try await health.look("clocks").map(\.status) == [.ok])
            try await beat(PostgresQueueStore(pool, clock: { Date() - 100 }))
            #expect(try await health.look("clocks").map(\.status) == [.bad])
        }
    }

    @Test("who pins xmin: process, role, program, state, query and age")
    func xmin() async throws {
        try await HealthWorld.with { health in
            try await health.limit("xmin", 0)
            try await health.withSession("BEGIN ISOLATION LEVEL REPEATABLE READ") { other in
                try await other.executeScript(Statement(name: "dump", text: "SELECT 'a dump'"))
                let found = try await health.look("xmin")
                #expect(found.map(\.subject) == ["pid \(other.processID)"] && found.map(\.status) == [.warn])
                let what = try #require(found.first?.what)
                #expect(what.contains("idle in transaction") && what.contains("SELECT 'a dump'"), "\(what)")
                #expect(found.first?.helps == "SELECT pg_terminate_backend(\(other.processID));")
                let idle = try await health.look("idle")
                #expect(idle.map(\.status) == [.ok], "only just")
                try await other.executeScript(Statement(name: "commit", text: "COMMIT"))
            }
            #expect(try await health.look("xmin").map(\.status) == [.ok])
        }
    }

    @Test("a session idle in a transaction, even one that pins nothing")
    func idle() async throws {
        try await HealthWorld.with { health in
            try await health.limit("idle", 0)
            try await health.withSession("BEGIN; LOCK TABLE attune.tenant IN ACCESS SHARE MODE") { other in
                let found = try await health.look("idle")
                #expect(found.map(\.subject) == ["pid \(other.processID)"] && found.map(\.status) == [.warn])
                try await other.executeScript(Statement(name: "commit", text: "COMMIT"))
            }
            #expect(try await health.look("idle").map(\.status) == [.ok])
        }
    }

    @Test("what holds back outcomes_since, though it writes in another database")
    func feed() async throws {
        try await HealthWorld.with { health in
            try await health.limit("feed", 0)
            let job = try await health.enqueue("u")
            try await TestDatabase.with(.empty) { foreign in
                try await foreign.withConnection { other in
                    let write = "BEGIN; SELECT pg_current_xact_id()"
                    try await other.executeScript(Statement(name: write, text: write))
                    _ = try await health.world.store.cancel(jobID: job)
                    let told = try await health.world.run("SELECT * FROM attune.outcomes_since('acme')")
                    #expect(told.isEmpty)
                    let found = try await health.look("feed")
                    #expect(found.map(\.status) == [.warn])
                    // Another test's transaction may be older; but this one is among what is looked at.
                    #expect(found.first?.what.contains("holds a write transaction") == true)
                }
            }
        }
    }

    @Test("what a claim reads past: chunks that are done, while somebody pins them")
    func deadPrefix() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            try await world.run("DELETE FROM attune.lane WHERE lane_id <> 65536")
            try await world.run(
                """
                INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, job_count, cost_ms)
                SELECT n, n, 65536, 1, 2, 1, 1, 5 FROM generate_series(1, 20000) AS n
                """)
            #expect(try await health.look("dead_prefix").map(\.status) == [.ok])
            try await health.withSession("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1") { other in
                try await world.run("UPDATE attune.chunk SET state = 4 WHERE chunk_id < 19990")
                let found = try await health.look("dead_prefix")
                #expect(found.map(\.status) == [.warn], "\(found.map(\.what))")
                try await other.executeScript(Statement(name: "commit", text: "COMMIT"))
            }
            try await world.run("VACUUM attune.chunk")
            #expect(try await health.look("dead_prefix").map(\.status) == [.ok])
        }
    }

    @Test("a table and an index that are many times larger than what is in them")
    func bloat() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            try await health.limit("bloat", 1.5)
            try await world.run(
                """
                INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, job_count, cost_ms)
                SELECT n, n, 65536, 1, 2, 1, 1, 5 FROM generate_series(1, 100000) AS n
                """)
            try await world.run("DELETE FROM attune.chunk WHERE chunk_id < 100000")
            try await world.run("VACUUM ANALYZE attune.chunk")
            let found = try await health.look("bloat")
            #expect(found.map(\.subject) == ["chunk"] && found.map(\.status) == [.warn], "\(found.map(\.what))")
            #expect(found.first?.helps.hasSuffix("VACUUM FULL attune.chunk;") == true)
        }
    }

    @Test("statistics older than most of the table; dead rows that nobody removes; autovacuum switched off")
    func statistics() async throws {
        try await HealthWorld.with { health in
            try await health.limit("statistics", 1)
            try await health.limit("autovacuum", 1)
            try await health.world.database.withConnection { other in
                for sql in [
                    "ALTER TABLE attune.dedup SET (autovacuum_enabled = false)",
                    """
                    INSERT INTO attune.dedup SELECT 1, sha256(n::text::bytea), sha256('x'), n, clock_timestamp()
                    FROM generate_series(1, 12000) AS n
                    """, "DELETE FROM attune.dedup WHERE job_id > 1000", "SELECT pg_stat_force_next_flush()",
                ] {
                    try await other.execute(Statement(name: sql, text: sql))
                }
            }
            let stale = try await health.look("statistics")
            #expect(stale.map(\.subject) == ["dedup"] && stale.map(\.helps) == ["ANALYZE attune.dedup;"])
            let behind = try await health.look("autovacuum")
            #expect(behind.map(\.subject) == ["dedup"] && behind.map(\.status) == [.warn], "one row a subject")
            try await health.limit("autovacuum", 1, bad: 1000)
            #expect(try await health.look("autovacuum").map(\.status) == [.bad], "switched off is worse than behind")
            try await health.world.run("ALTER TABLE attune.dedup RESET (autovacuum_enabled)")
            let dead = try await health.look("autovacuum")
            #expect(dead.first?.what.contains("11000 dead rows") == true, "\(dead.map(\.what))")
            try await health.world.run("VACUUM ANALYZE attune.dedup")
        }
    }

    @Test("partitions that end soon, and one that should have gone")
    func partitions() async throws {
        try await HistoryWorld.with { history in
            let health = HealthWorld(world: history.world, examiner: HealthExaminer(history.world.pool))
            _ = try await history.world.enqueueBulk(2)
            try await history.closeUsed()
            #expect(try await health.look("history").map(\.status) == [.ok])
            try await history.age(jobs: [], days: 33)
            #expect(try await history.history.walk(epoch: history.epoch, budget: 10, mostStragglers: 1) == 0)
            let found = try await health.look("history")
            #expect(found.map(\.status) == [.warn])
            #expect(found.first?.what.hasSuffix("more than 1 of its jobs have not ended or ended late") == true)
            #expect(try await health.look("partitions").map(\.status) == [.ok])
            try await history.world.run(
                "SELECT setval('attune.chunk_id_seq', (SELECT max(end_chunk) - 1000 FROM attune.history_part))")
            let near = try await health.look("partitions")
            #expect(near.map(\.status) == [.bad] && near.map(\.measured) == [1000])
        }
    }

    @Test("connections in use, commits that do not wait for the disk, and a role that sees no other session")
    func server() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            try await health.limit("connections", 0)
            #expect(try await health.look("connections").map(\.status) == [.warn])
            try await world.run("ALTER DATABASE \(world.database.name) SET synchronous_commit = off")
            try await world.database.withPool { pool in
                let examiner = HealthExaminer(pool)
                let lax = try await examiner.judge(try await examiner.examine()).filter { $0.name == "durability" }
                #expect(lax.contains { $0.subject == "synchronous_commit" && $0.status == .warn })
                let fsync: String = try await world.value("SELECT current_setting('fsync')")
                #expect(lax.contains { $0.subject == "fsync" } == (fsync == "off"))
            }
            #expect(try await health.look("monitoring").map(\.status) == [.ok])
            try await world.database.withConnection { connection in
                try await connection.executeScript(Statement(name: "role", text: "SET ROLE attune_worker"))
                for check in SQL.Checks.all {
                    let rows = try await connection.execute(Statement(check))
                    #expect(check.name != "checks/monitoring.sql" || rows.count == 1, "it sees no other session")
                }
            }
        }
    }
}
