import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Testing

extension QueueWorld {
    func checkPriority() async throws {
        for user in ["a", "b", "c"] { try await record(1, of: user, tenant: "acme") }
        var ids: [Int64] = []
        for (user, priority) in [("a", 0), ("b", 1), ("c", 3)] {
            var job = NewJob(tenant: "acme", user: user)
            job.priority = Int32(priority)
            ids.append(try await store.enqueue(job))
        }
        var wrong = NewJob(tenant: "acme", user: "a")
        wrong.priority = 99
        let refused = await errorClass { _ = try await store.enqueue(wrong) }
        #expect(refused == "bad_priority")
        let order = try await claimAll(try await worker()).sorted { $0.place < $1.place }
        #expect(order.flatMap(\.jobs).map(\.jobID) == ids.reversed())
    }
}

/// Tags of flows: who comes before whom (QUEUE.md, rules 7, 18, 19).
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct FairnessTests {
    private func inTenant(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            for tenant in ["acme", "birch"] {
                try await world.addTenant(tenant)
                try await world.record(1, of: "u", tenant: tenant)
            }
            try await body(world)
        }
    }

    /// Sort keys of the newest chunks, oldest first.
    private func newestKeys(_ count: Int, _ world: PostgresWorld) async throws -> [Int64] {
        try await world.run("SELECT sort_key FROM attune.chunk ORDER BY chunk_id DESC LIMIT \(count)")
            .map { try $0.decode(0, as: Int64.self) }.reversed()
    }

    @discardableResult
    private func enqueue(
        _ world: PostgresWorld, tenant: String = "acme", flow: Flow = .bulk, runAt: Date? = nil, priority: Int32 = 0
    ) async throws -> Int64 {
        var job = NewJob(tenant: tenant, user: "u")
        (job.flow, job.runAt, job.priority) = (flow, runAt, priority)
        return try await world.store.enqueue(job)
    }

    @Test("tags of a flow are 1000 / weight apart, for single jobs and bulks alike")
    func spacing() async throws {
        try await inTenant { world in
            try await world.run("SELECT attune.set_flow('acme', 'bulk', 4)")
            for _ in 0..<3 { try await enqueue(world) }
            #expect(try await newestKeys(3, world) == [250, 500, 750])
            _ = try await world.enqueueBulk(250)
            #expect(try await newestKeys(3, world) == [1000, 26_000, 51_000])
            try await enqueue(world)
            #expect(try await newestKeys(1, world) == [63_500])
        }
    }

    @Test("a new weight holds from the next job on, and moves nothing that was tagged")
    func weights() async throws {
        try await inTenant { world in
            for _ in 0..<6 { try await enqueue(world) }
            let last = try await newestKeys(1, world)[0]
            #expect(try await world.value("SELECT attune.set_flow('acme', 'bulk', 1)") == Float(3))
            for _ in 0..<2 { try await enqueue(world) }
            #expect(try await newestKeys(2, world) == [last + 1000, last + 2000])
            for (sql, expected) in [
                ("SELECT attune.set_flow('acme', 'bulk', 0)", "bad_weight"),
                ("SELECT attune.set_flow('acme', 'slow', 1)", "unknown_flow"),
                ("SELECT attune.set_flow('nobody', 'bulk', 1)", "unknown_tenant"),
            ] {
                #expect(await errorClass { try await world.run(sql) } == expected)
            }
        }
    }

    @Test("idleness saves up no burst: every job of a flow that wakes up is tagged by its weight, from virtual time on")
    func idleness() async throws {
        try await inTenant { world in
            try await world.run("UPDATE attune.fair_clock SET virtual_time = 7000000")
            // No tick comes in between.
            for _ in 0..<4 { try await enqueue(world, flow: .campaign) }
            #expect(try await newestKeys(4, world) == [7_000_000, 7_001_000, 7_002_000, 7_003_000])
        }
    }

    @Test("who used what was idle does not start behind: when nothing waits, virtual time is the last tag given out")
    func settles() async throws {
        try await inTenant { world in
            let worker = try await world.worker()
            _ = try await world.enqueueBulk(300)
            for chunk in try await world.claimAll(worker) { _ = try await world.store.publish(chunk.completed) }
            try await world.run("SELECT attune.advance_fair_clock()")
            _ = try await world.enqueueBulk(1, tenant: "birch")
            try await enqueue(world)
            let keys = try await newestKeys(2, world)
            #expect((0...334).contains(keys[1] - keys[0]), "birch \(keys[0]), acme \(keys[1])")
        }
    }

    @Test("a bulk that takes long to commit moves virtual time nowhere: nobody's next job waits behind all of it")
    func longTransaction() async throws {
        try await inTenant { world in
            try await world.database.withConnection { producer in
                let enqueue = "SELECT attune.enqueue('acme', 'u', flow => 'bulk') FROM generate_series(1, 200)"
                for sql in ["BEGIN", enqueue] { try await producer.execute(Statement(name: sql, text: sql)) }
                try await world.run("SELECT attune.advance_fair_clock()")
                try await producer.execute(Statement(name: "COMMIT", text: "COMMIT"))
            }
            try await world.run("SELECT attune.advance_fair_clock()")
            try await enqueue(world, tenant: "birch")
            let first: Int64 = try await world.value("SELECT min(sort_key) FROM attune.chunk")
            #expect(try await newestKeys(1, world)[0] <= first + 1000)
        }
    }

    @Test("a cancelled bulk gives its tags back: the flow's next job does not wait behind what is gone")
    func cancelledBulk() async throws {
        try await inTenant { world in
            try await enqueue(world, tenant: "birch", flow: .campaign)
            let jobs = try await world.enqueueBulk(300)
            for job in jobs { #expect(try await world.store.cancel(jobID: job) == .cancelled) }
            try await world.run("SELECT attune.advance_fair_clock()")
            try await enqueue(world)
            #expect((0...1000).contains(try await newestKeys(1, world)[0]))
            #expect(try await world.value("SELECT count(*) FROM attune.flow_refund") == Int64(0))
        }
    }

    @Test("a job that is leased when it is cancelled keeps its tag: it was served")
    func cancelledRunning() async throws {
        try await inTenant { world in
            let job = try await enqueue(world)
            _ = try await world.claimAll(try await world.worker())
            #expect(try await world.store.cancel(jobID: job) == .cancelled)
            #expect(try await world.value("SELECT count(*) FROM attune.flow_refund") == Int64(0))
        }
    }

    @Test("a priority moves a key by its bonus, never by more than the cap")
    func priorities() async throws {
        try await inTenant { world in
            for priority in [Int32(0), 1, 2, 3] { try await enqueue(world, flow: .campaign, priority: priority) }
            #expect(try await newestKeys(4, world) == [1000, 2000 - 100_000, 3000 - 1_000_000, 4000 - 1_000_000])
        }
    }

    @Test(
        "jobs put off join their flow when their time comes: a thousand that fall due together come one after another")
    func deferred() async throws {
        try await inTenant { world in
            let later = Date().addingTimeInterval(3600)
            for _ in 0..<50 { try await enqueue(world, runAt: later) }
            try await enqueue(world, runAt: later, priority: 1)
            try await enqueue(world)
            #expect(try await newestKeys(1, world) == [333], "what is put off has drawn no tag")
            try await world.run("UPDATE attune.fair_clock SET virtual_time = 1000000")
            try await world.makeDeferredDue()
            #expect(try await world.store.wake(limit: 100) == 51)
            let keys = try await newestKeys(51, world)
            #expect(keys[0] == 1_000_000 - 33_333, "the one with a priority is ahead by its bonus")
            #expect(Set(keys).count == 51)
            #expect((1_016_000...1_017_000).contains(keys[50]))
            #expect(try await world.value("SELECT count(*) FROM attune.chunk WHERE state = 2") == Int64(0))
        }
    }

    @Test("retries that fall due together share no tag either, and one whose tag is still to come keeps it")
    func retries() async throws {
        try await inTenant { world in
            let worker = try await world.worker()
            for _ in 0..<20 { try await enqueue(world, flow: .campaign) }
            try await world.run("UPDATE attune.kind SET coalesces = false")
            for chunk in try await world.claimAll(worker) {
                _ = try await world.store.publish(
                    chunk.delivery { _ in .failed(errorClass: "test", message: "", retryable: true) })
            }
            try await world.run("UPDATE attune.fair_clock SET virtual_time = 15000")
            try await world.makeDeferredDue()
            #expect(try await world.store.wake(limit: 100) == 20)
            let keys = try await newestKeys(20, world)
            #expect(keys == (0..<20).map { 15_000 + $0 * 1000 })
            let jobs = try await world.claimAll(worker).flatMap(\.jobs)
            #expect(jobs.count == 20 && jobs.allSatisfy { $0.tries == 1 })
        }
    }
}
