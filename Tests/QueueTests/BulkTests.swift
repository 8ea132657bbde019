import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Bulks that are too large for one statement: copied, and enqueued in slices of 10,000.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct BulkTests {
    @Test(
        "a bulk that is copied gives what one in a single statement gives",
        arguments: [
            QueueConformance.bulk, .dedupBulk,
        ])
    func copied(_ conformance: QueueConformance) async throws {
        try await PostgresWorld.with { world in
            var world = world
            world.queue = PostgresQueueStore(world.pool, entriesInStatement: 0)
            try await conformance.check(world)
            try await world.checkInvariants()
        }
    }

    @Test("lines count through the slices, and a key of an earlier slice is taken in a later one")
    func slices() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            for user in ["a", "b"] { try await world.record(1, of: user, tenant: "acme") }
            var entries = (0..<20_003).map { Bulk.Entry(user: "a", dedupKey: "k\($0)") }
            (entries[9_999].user, entries[20_002].user) = ("nobody", "nobody")
            entries[15_000].dedupKey = "k7"
            entries[15_001] = Bulk.Entry(user: "b", dedupKey: "k8")
            var bulk = Bulk(tenant: "acme", entries: entries)
            let error = await errorClass { _ = try await world.store.enqueue(bulk) }
            #expect(error == "unknown_user")
            #expect(try await world.value("SELECT count(*) FROM attune.job") == Int64(0))
            bulk.keepsGoing = true
            let report = try await world.store.enqueue(bulk)
            #expect((report.accepted, report.duplicates) == (20_003 - 4, 1))
            #expect(report.rejected.map(\.line) == [10_000, 15_002, 20_003])
            #expect(report.rejected.map(\.errorClass) == ["unknown_user", "dedup_conflict", "unknown_user"])
            let counts = try await world.run(
                "SELECT count(*), sum(job_count)::bigint, count(DISTINCT sort_key) FROM attune.chunk"
            ).one().values(Int64.self, Int64.self, Int64.self)
            #expect(counts == (Int64(report.chunks), 19_999, Int64(report.chunks)))
            let jobs: Int64 = try await world.value("SELECT count(*) FROM attune.job")
            #expect(jobs == 19_999)
        }
    }

    @Test("a bulk of nothing is checked too")
    func empty() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            for store in [world.queue, PostgresQueueStore(world.pool, entriesInStatement: -1)] {
                #expect(try await store.enqueue(Bulk(tenant: "acme", entries: [])) == BulkReport())
                let error = await errorClass { _ = try await store.enqueue(Bulk(tenant: "nobody", entries: [])) }
                #expect(error == "unknown_tenant")
            }
        }
    }
}
