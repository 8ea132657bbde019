import Logging
import ObjectStore
import Postgres
import PostgresTestSupport
import Queue
import Scheduler
import Testing

/// A leading scheduler keeps history bounded and looks what hurts, beside its ticks.
@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct LeaderUpkeepTests {
    private func run(_ sql: String, _ pool: ConnectionPool) async throws {
        try await pool.execute(Statement(name: sql, text: sql))
    }

    private func isTrue(_ sql: String, _ pool: ConnectionPool) async throws -> Bool {
        try await pool.execute(Statement(name: sql, text: "SELECT \(sql)")).one().decode(0)
    }

    @Test("it drops what is due, prunes what is old, keeps findings as rows, and goes on after a failure of either")
    func leads() async throws {
        try await TestDatabase.with { database in
            try await database.withPool { pool in
                for sql in [
                    "SELECT setval('attune.chunk_id_seq', 1048575)",
                    """
                    INSERT INTO attune.history_part (first_chunk, end_chunk, closed_at, passed_at)
                    VALUES (0, 1048576, clock_timestamp() - interval '40 days', clock_timestamp() - interval '40 days')
                    ON CONFLICT (first_chunk) DO UPDATE SET closed_at = excluded.closed_at, passed_at = excluded.passed_at,
                        used_at = excluded.passed_at - interval '1 day', passed_ids = 10
                    """,
                    """
                    INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, error_class, at)
                    SELECT 1, n, 1, 'x', clock_timestamp() - interval '40 days' FROM generate_series(1, 12000) AS n
                    """,
                    // The first look at health fails, and must not end the others.
                    "ALTER TABLE attune.finding RENAME TO finding_away",
                ] {
                    try await run(sql, pool)
                }
                var configuration = Scheduler.Configuration(name: "test")
                (configuration.tickSeconds, configuration.historySeconds) = (0.02, 0.02)
                configuration.healthSeconds = 0.1
                let scheduler = Scheduler(
                    configuration, conninfo: database.conninfo, pool: pool, queue: PostgresQueueStore(pool),
                    objects: MemoryObjectStore(), logger: Logger(label: "test"))
                let leading = Task { try await scheduler.run() }
                do {
                    try await eventually("the due partition is gone") {
                        try await isTrue("to_regclass('attune.job_p000000') IS NULL", pool)
                    }
                    try await eventually("old tries are gone") {
                        try await isTrue("NOT EXISTS (SELECT FROM attune.attempt_log)", pool)
                    }
                    try await run("ALTER TABLE attune.finding_away RENAME TO finding", pool)
                    try await eventually("findings are rows") {
                        try await isTrue(
                            "EXISTS (SELECT FROM attune.health WHERE name = 'workers' AND status = 'bad' AND since IS NOT NULL)",
                            pool)
                    }
                    #expect(
                        try await isTrue(
                            "EXISTS (SELECT FROM attune.health WHERE name = 'pooler' AND status = 'ok')", pool))
                } catch {
                    leading.cancel()
                    _ = await leading.result
                    throw error
                }
                leading.cancel()
                try await leading.value
            }
        }
    }
}
