import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Schema
import Testing

/// What hurts in PostgreSQL itself: each finding provoked for real.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct HealthOfServerTests {
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
