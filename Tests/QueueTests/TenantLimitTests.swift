import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Limits where a scheduler leads, and what SQL alone shows of them (QUEUE.md, rule 20).
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct TenantLimitTests {
    private func inTenant(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await body(world)
            try await world.checkInvariants()
        }
    }

    /// Runs `body` while a scheduler leads.
    private func withLeader(
        _ world: PostgresWorld, _ body: (SchedulerQueue, Int64) async throws -> Void
    ) async throws {
        let scheduler = SchedulerQueue(world.pool)
        try await world.database.withConnection { connection in
            try await body(scheduler, try #require(try await scheduler.lead(name: "s", on: connection)))
        }
    }

    private func grant(
        _ slots: Int?, to worker: Int64, after generation: Int64? = nil, _ scheduler: SchedulerQueue, _ epoch: Int64
    ) async throws -> Int {
        let limit = try #require(try await scheduler.sharedLimits().first)
        return try await scheduler.grant(
            [
                LimitGrant(
                    limitID: limit.limitID, workerID: worker, slots: slots, rate: nil, generation: generation)
            ], epoch: epoch)
    }

    @Test("while a scheduler leads a worker runs what its grant says, and without one nothing")
    func grants() async throws {
        try await inTenant { world in
            _ = try await world.enqueueBulk(300)
            try await world.limit("acme", maxRunning: 150, jobsPerSecond: nil)
            try await withLeader(world) { scheduler, epoch in
                let (first, second) = (try await world.worker("first"), try await world.worker("second"))
                #expect(try await grant(100, to: first, scheduler, epoch) == 1)
                #expect(try await grant(100, to: first, scheduler, epoch) == 0, "there is one already")
                #expect(try await world.claimAll(second).isEmpty)
                #expect(try await world.claimParked(second).isEmpty)
                let held = try await world.claimAll(first) + world.claimParked(first)
                #expect(held.flatMap(\.jobs).count == 100)
                #expect(try await grant(50, to: second, scheduler, epoch) == 1)
                let more = try await world.claimParked(second)
                #expect(more.flatMap(\.jobs).count == 50, "the next chunk, cut")
                let part = try #require(
                    try await scheduler.sharedLimits().first?.parts.first { $0.workerID == first })
                #expect((part.slots, part.held, part.generation, part.endsSoon) == (100, 100, 1, false))
                #expect(try await grant(nil, to: first, after: 7, scheduler, epoch) == 0, "planned with another one")
                #expect(try await grant(nil, to: first, after: 1, scheduler, epoch) == 1)
                for chunk in held { _ = try await world.store.publish(chunk.completed) }
                #expect(try await world.claimParked(first).isEmpty)
                let deposed = await errorClass { try await scheduler.grant([], epoch: epoch - 1) }
                #expect(deposed == "deposed")
            }
        }
    }

    @Test("when the scheduler dies, what others may still take under their grants counts as taken")
    func leaderless() async throws {
        try await inTenant { world in
            _ = try await world.enqueueBulk(300)
            try await world.limit("acme", maxRunning: 150, jobsPerSecond: nil)
            let (first, second) = (try await world.worker("first"), try await world.worker("second"))
            try await withLeader(world) { scheduler, epoch in
                let written = try await grant(100, to: first, scheduler, epoch)
                #expect(written == 1)
            }
            try await world.run("UPDATE attune.leader SET seen_at = clock_timestamp() - interval '1 hour'")
            #expect(try await world.claimAll(second).flatMap(\.jobs).count == 50)
            #expect(try await world.claimParked(first).flatMap(\.jobs).count == 100)
            try await world.run("UPDATE attune.limit_grant SET expires = clock_timestamp()")
            #expect(try await world.claimParked(first).isEmpty)
            #expect(try await world.claimParked(second).isEmpty)
        }
    }

    @Test("two claims at once without a scheduler take no more than the cap between them")
    func exactTogether() async throws {
        try await inTenant { world in
            try await world.run("UPDATE attune.setting SET chunk_jobs = 10")
            _ = try await world.enqueueBulk(300)
            try await world.limit("acme", maxRunning: 35, jobsPerSecond: nil)
            var workers: [Int64] = []
            for index in 0..<4 { workers.append(try await world.worker("w\(index)")) }
            let claimed = try await withThrowingTaskGroup(of: Int.self) { group in
                for worker in workers {
                    group.addTask { try await world.claimAll(worker).flatMap(\.jobs).count }
                }
                return try await group.reduce(0, +)
            }
            #expect(claimed == 35)
        }
    }

    @Test("a tenant's interactive job does not queue behind all of its bulk that is parked")
    func interactiveWhileCapped() async throws {
        try await inTenant { world in
            let bulk = try await world.enqueueBulk(300)
            try await world.limit("acme", maxRunning: 100, jobsPerSecond: nil)
            let worker = try await world.worker()
            let first = try await world.claimAll(worker)
            #expect(first.flatMap(\.jobs).count == 100)
            try await world.run("UPDATE attune.fair_clock SET virtual_time = 100000000")
            try await world.run("SELECT attune.advance_fair_clock()")
            let job = try await world.store.enqueue(NewJob(tenant: "acme", user: "u250"))
            #expect(try await world.claimAll(worker).isEmpty)
            for chunk in first { _ = try await world.store.publish(chunk.completed) }
            let second = try await world.claimParked(worker)
            #expect(second.flatMap(\.jobs).map(\.jobID) == Array(bulk[100..<200]), "what was next when it came")
            for chunk in second { _ = try await world.store.publish(chunk.completed) }
            let third = try await world.claimParked(worker)
            #expect(third.flatMap(\.jobs).map(\.jobID).first == job, "before the rest of the bulk")
        }
    }

    @Test("attune.limits says what is limited, what runs and what is parked; lifting a limit removes its row")
    func listed() async throws {
        try await inTenant { world in
            let limits = TenantLimits(world.pool)
            _ = try await world.enqueueBulk(300)
            try await limits.set(TenantLimit(tenant: "acme", maxRunning: 100, jobsPerSecond: 1000))
            try await limits.pause("acme", kind: "adapt", reason: "labels")
            let worker = try await world.worker()
            #expect(try await world.claimAll(worker).isEmpty)
            var rows = try await limits.all()
            #expect(rows.map(\.limit.kind) == [nil, "adapt"])
            #expect(rows.map(\.parkedChunks) == [3, 3] && rows.allSatisfy(\.parkedIsExact))
            #expect(rows[1].isPaused && rows[1].reason == "labels")
            let parked: Int64 = try await world.value("SELECT sum(parked)::bigint FROM attune.backlog")
            #expect(parked == 300)
            #expect(try await limits.resume("acme", kind: "adapt"))
            #expect(try await limits.resume("acme", kind: "adapt") == false)
            rows = try await limits.all()
            #expect(rows.map(\.limit.maxRunning) == [100])
            try await limits.set(TenantLimit(tenant: "acme"))
            #expect(try await limits.all().isEmpty)
            #expect(try await world.store.wake(limit: 2) == 2)
            #expect(try await world.store.wake(limit: 2) == 1)
            for (sql, expected) in [
                ("SELECT attune.set_limit('acme', 0)", "bad_limit"),
                ("SELECT attune.set_limit('acme', NULL, 0)", "bad_limit"),
                ("SELECT attune.pause('nobody')", "unknown_tenant"),
                ("SELECT attune.pause('acme', 'dance')", "unknown_kind"),
            ] {
                #expect(await errorClass { try await world.run(sql) } == expected)
            }
        }
    }

    @Test("a retry of a capped tenant's job and its isolated suspects wait for room like the rest")
    func retriesUnderCap() async throws {
        try await inTenant { world in
            let ids = try await world.enqueueBulk(3)
            try await world.limit("acme", maxRunning: 2, jobsPerSecond: nil)
            let worker = try await world.worker()
            let first = try await world.claimAll(worker)
            #expect(first.flatMap(\.jobs).count == 2)
            _ = try await world.store.publish(
                Delivery(of: first) { _ in .failed(errorClass: "test", message: "", retryable: true) })
            let third = try await world.claimParked(worker)
            #expect(third.flatMap(\.jobs).map(\.jobID) == [ids[2]])
            try await world.makeDeferredDue()
            #expect(try await world.store.wake(limit: 10) == 1)
            let one = try await world.claimAll(worker)
            #expect(one.flatMap(\.jobs).count == 1)
            for chunk in third + one { _ = try await world.store.publish(chunk.completed) }
            let last = try await world.claimParked(worker)
            #expect(last.flatMap(\.jobs).count == 1)
            for chunk in last { _ = try await world.store.publish(chunk.completed) }
            for id in ids { #expect(try await world.state(of: id) == .completed) }
        }
    }
}
