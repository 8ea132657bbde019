import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Testing

/// A queue with history, and the leader that keeps it.
struct HistoryWorld {
    let world: PostgresWorld
    let history: HistoryQueue
    let epoch: Int64
    /// Chunk ids a partition starts with.
    static let partIDs: Int64 = 1_048_576

    static func with(_ body: (HistoryWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            let epoch: Int64 = try await world.value("SELECT attune.lead('test')")
            try await body(HistoryWorld(world: world, history: HistoryQueue(world.pool), epoch: epoch))
        }
    }

    /// Moves the sequence past every partition that has been used, and waits until they are closed. Transactions of other
    /// databases of the server delay that.
    func closeUsed() async throws {
        try await world.run(
            """
            SELECT setval('attune.chunk_id_seq', h.end_chunk - 1) FROM attune.history_part h
            WHERE h.end_chunk > (SELECT last_value + 1 FROM attune.chunk_id_seq) ORDER BY h.first_chunk LIMIT 1
            """)
        repeat {
            try await history.advance(epoch: epoch)
        } while try await world.value(
            """
            SELECT EXISTS (SELECT FROM attune.history_part
                WHERE closed_at IS NULL AND end_chunk <= (SELECT last_value + 1 FROM attune.chunk_id_seq))
            """)
    }

    /// Makes everything that has happened to `jobs`, and the closing of partitions, older than it is.
    func age(jobs: [Int64], days: Int = 31) async throws {
        try await world.run(
            "UPDATE attune.outcome SET finished_at = finished_at - make_interval(days => $2) WHERE job_id = ANY ($1)",
            [.array(jobs), .int32(Int32(days))])
        try await world.run(
            "UPDATE attune.history_part SET closed_at = closed_at - make_interval(days => $1)", [.int32(Int32(days))])
    }

    /// Walks to the end and drops; true when a partition went.
    func dropOldest() async throws -> Bool {
        while try await history.walk(epoch: epoch, budget: 3) >= 3 {}
        while true {
            switch try await history.drop(epoch: epoch) {
            case .dropped: return true
            case .nothing: return false
            case .removed, .waiting, .busy: continue
            }
        }
    }

    /// The tables, of those `LIKE` a pattern, that exist.
    func tables(_ pattern: String) async throws -> [String] {
        try await world.run(
            """
            SELECT relname::text FROM pg_class WHERE relnamespace = 'attune'::regnamespace AND relkind = 'r'
                AND relname LIKE $1 ORDER BY 1
            """, [.text(pattern)]
        ).map { try $0.decode(0, as: String.self) }
    }

    func enqueue(_ user: String, after seconds: Double? = nil) async throws -> Int64 {
        var job = NewJob(tenant: "acme", user: user)
        job.runAt = seconds.map { Date(timeIntervalSinceNow: $0) }
        return try await world.store.enqueue(job)
    }
}
