import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Replies that get lost on the way: what may be said again, and what may not.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct LostReplyTests {
    @Test("a claim whose reply got lost is told to the worker and not repeated: what it took is nobody's to find twice")
    func claim() async throws {
        try await withLossyStore { world, store, proxy in
            _ = try await world.enqueueBulk(300)
            let worker = try await world.worker()
            let lane: Int32 = try await world.value("SELECT min(lane) FROM attune.chunk WHERE state = 0")
            var request = ClaimRequest(workerID: worker, lane: lane)
            (request.costBudgetMilliseconds, request.jobBudget) = (1, 1)
            proxy.loseReply(to: "attune.claim(")
            let error = try await #require(throws: PostgresError.self) { try await store.claim(request) }
            #expect(error.mayHaveCommitted)
            #expect(try await world.value("SELECT count(*) FROM attune.chunk WHERE state = 1") == Int64(1))
        }
    }

    @Test("a single job is said again only under a dedup key, and is then the same job")
    func enqueue() async throws {
        try await withLossyStore { world, store, proxy in
            try await world.record(4, of: "u0", tenant: "acme")
            var job = NewJob(tenant: "acme", user: "u0")
            proxy.loseReply(to: "attune.enqueue(")
            let error = try await #require(throws: PostgresError.self) { try await store.enqueue(job) }
            #expect(error.mayHaveCommitted)
            #expect(try await world.value("SELECT count(*) FROM attune.job") == Int64(1))
            job.dedupKey = "once"
            proxy.loseReply(to: "attune.enqueue(")
            let id = try await store.enqueue(job)
            #expect(try await world.value("SELECT max(job_id) FROM attune.job") == id)
            #expect(try await world.value("SELECT count(*) FROM attune.job") == Int64(2))
        }
    }

    private func withLossyStore(
        _ body: (PostgresWorld, PostgresQueueStore, LossyProxy) async throws -> Void
    ) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            let proxy = try await LossyProxy(to: world.database)
            defer { proxy.close() }
            try await ConnectionPool.with(proxy.conninfo, limit: 1) {
                try await body(world, PostgresQueueStore($0), proxy)
            }
        }
    }
}
