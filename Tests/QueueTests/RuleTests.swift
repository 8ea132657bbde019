import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Rules of the queue that no other suite takes up.
@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct RuleTests {
    @Test("a chunk holds what a reference worker does in half a second, and one costlier job by itself")
    func chunkCost() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            for user in 0..<12 { try await world.record(1, of: "u\(user)", tenant: "acme") }
            for (cost, sizes) in [(Float(100), [5, 5, 2]), (700, Array(repeating: 1, count: 12))] {
                var bulk = Bulk(tenant: "acme", entries: (0..<12).map { .init(user: "u\($0)") })
                bulk.costMilliseconds = cost
                _ = try await world.store.enqueue(bulk)
                let made = try await world.run(
                    "SELECT job_count::int, cost_ms FROM attune.chunk WHERE state = 0 ORDER BY chunk_id"
                ).map { try $0.values(Int32.self, Float.self) }
                #expect(made.map { Int($0.0) } == sizes)
                #expect(made.allSatisfy { $0.1 == Float($0.0) * cost })
                try await world.run("UPDATE attune.chunk SET state = 4")
            }
        }
    }

    @Test("heartbeats renew the worker's row alone: lanes and chunks are not written while nothing moves")
    func heartbeats() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            _ = try await world.enqueueBulk(150)
            let worker = try await world.worker()
            _ = try await world.store.adoptLanes(workerID: worker)
            let held = try await world.claimAll(worker)
            func versions(_ table: String) async throws -> String {
                try await world.value(
                    "SELECT string_agg(xmin::text || ctid::text, ' ' ORDER BY ctid) FROM attune.\(table)")
            }
            let before = (try await versions("lane"), try await versions("chunk"), try await versions("worker"))
            let lease: Double = try await world.value(
                "SELECT extract(epoch FROM max(lease_until))::float8 FROM attune.worker")
            for beat in 1...5 {
                let word = Heartbeat(workerID: worker, progress: Int64(beat), jobsInHand: Int32(held.count))
                _ = try await world.store.heartbeat(word)
            }
            let after = (try await versions("lane"), try await versions("chunk"), try await versions("worker"))
            #expect(before.0 == after.0 && before.1 == after.1)
            #expect(before.2 != after.2)
            let extended: Double = try await world.value(
                "SELECT extract(epoch FROM max(lease_until))::float8 FROM attune.worker")
            #expect(extended > lease)
        }
    }
}
