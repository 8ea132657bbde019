import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Partitions that are closed and dropped, and what of them lives on.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct HistoryTests {
    @Test("what ended long ago goes with its partition; everything else lives on under its id, and still works")
    func stragglers() async throws {
        try await HistoryWorld.with { history in
            let (world, worker) = (history.world, try await history.world.worker())
            for user in ["old", "new", "waits", "later", "again", "runs", "stopped"] {
                try await world.record(2, of: user, tenant: "acme")
            }
            func finish(_ user: String, _ result: (ClaimedJob) -> JobResult) async throws -> Int64 {
                let job = try await history.enqueue(user)
                _ = try await world.store.publish(try await world.claimOne(worker).delivery(result))
                return job
            }
            let old = try await finish("old") { .completed(.test(through: $0.dataSeq), .test) }
            let new = try await finish("new") { .completed(.test(through: $0.dataSeq), .test) }
            let again = try await finish("again") { _ in .failed(errorClass: "broken", message: "once", retryable: true)
            }
            let later = try await history.enqueue("later", after: 100_000)
            let runs = try await history.enqueue("runs")
            let running = try await world.claimOne(worker)
            let waits = try await history.enqueue("waits")
            let stopped = try await history.enqueue("stopped")
            _ = try await world.store.cancel(jobID: stopped)
            let living = [new, again, later, runs, waits]
            let before = try await world.run(
                "SELECT to_jsonb(j)::text FROM attune.jobs j WHERE j.job_id = ANY ($1) ORDER BY j.job_id",
                [.array(living)]
            ).map { try $0.decode(0, as: String.self) }
            #expect(try await history.dropOldest() == false, "ids are still taken from it")
            try await history.closeUsed()
            #expect(try await history.dropOldest() == false, "it was closed just now")
            try await history.age(jobs: [old, stopped])
            #expect(try await history.dropOldest())

            #expect(try await history.tables("job_p000000") == [])
            let carried = try await world.run("SELECT job_id FROM attune.job_carry ORDER BY job_id").map {
                try $0.decode(0, as: Int64.self)
            }
            #expect(carried == living.sorted())
            let after = try await world.run(
                "SELECT to_jsonb(j)::text FROM attune.jobs j WHERE j.job_id = ANY ($1) ORDER BY j.job_id",
                [.array(living)]
            ).map { try $0.decode(0, as: String.self) }
            #expect(after == before)
            #expect(try await world.state(of: old) == nil)
            #expect(await errorClass { _ = try await world.store.retry(jobID: stopped) } == "unknown_job")
            var told: [Int64] = []
            while told.isEmpty {
                told = try await world.run("SELECT job_id FROM attune.outcomes_since('acme')").map {
                    try $0.decode(0, as: Int64.self)
                }
            }
            #expect(told == [new])

            // All of them end as they would have.
            #expect(try await world.store.publish(running.completed).completed == 1)
            #expect(try await world.store.cancel(jobID: waits) == .cancelled)
            #expect(try await world.store.retry(jobID: later) == later)
            let next = try await world.store.retry(jobID: waits)
            #expect(next >> 10 >= HistoryWorld.partIDs)
            try await world.makeDeferredDue()
            _ = try await world.store.wake(limit: 10)
            for chunk in try await world.claimAll(worker) { _ = try await world.store.publish(chunk.completed) }
            for job in [again, later, next, runs] { #expect(try await world.state(of: job) == .completed) }
            try await world.checkInvariants()

            // The next partition takes with it what has ended of the carry.
            try await history.closeUsed()
            try await history.age(jobs: [new, again, later, runs, waits])
            #expect(try await history.dropOldest())
            #expect(
                try await world.run("SELECT job_id FROM attune.job").map { try $0.decode(0, as: Int64.self) } == [next])
            while try await history.history.drop(epoch: history.epoch) != .nothing {}
            #expect(try await history.tables("%\\_gone\\_%") == [])
            #expect(try await history.tables("%\\_carry%") == ["job_carry", "outcome_carry"])
        }
    }

    @Test("what ends or is erased while the copies wait is right in what lives on")
    func changesMeanwhile() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            for user in ["a", "b", "c"] { try await world.record(2, of: user, tenant: "acme") }
            var withPayload = NewJob(tenant: "acme", user: "a")
            (withPayload.payload, withPayload.runAt) = ([1, 2, 3], Date(timeIntervalSinceNow: 100_000))
            let erased = try await world.store.enqueue(withPayload)
            let ends = try await history.enqueue("b")
            let waits = try await history.enqueue("c")
            try await history.closeUsed()
            try await history.age(jobs: [])
            while try await history.history.walk(epoch: history.epoch, budget: 10) >= 10 {}
            try await world.erase("a", tenant: "acme")
            _ = try await world.store.cancel(jobID: ends)
            // The first try finds the outcome and copies it; only when no snapshot is older than that do they change places.
            var departures: [HistoryQueue.Departure] = []
            repeat {
                departures.append(try await history.history.drop(epoch: history.epoch))
            } while departures.last != .dropped
            #expect(departures.contains(.waiting))
            #expect(try await world.state(of: ends) == .cancelled)
            #expect(try await world.state(of: waits) == .available)
            #expect(
                try await world.value("SELECT payload FROM attune.job WHERE job_id = $1", [.int64(erased)])
                    == [UInt8]?.none)
            try await world.checkInvariants()
        }
    }

    @Test("nothing moves under an older snapshot, and nobody waits long for a lock that is not to be had")
    func snapshotsAndLocks() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.record(2, of: "a", tenant: "acme")
            let waits = try await history.enqueue("a")
            try await history.closeUsed()
            try await history.age(jobs: [])
            try await world.database.withConnection { other in
                func say(_ sql: String) async throws { try await other.executeScript(Statement(name: sql, text: sql)) }
                // It has looked at something else only, so no lock of it stops the exchange.
                try await say("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM attune.tenant")
                while try await history.history.walk(epoch: history.epoch, budget: 10) >= 10 {}
                for _ in 0..<3 { #expect(try await history.history.drop(epoch: history.epoch) == .waiting) }
                let note: String? = try await world.value(
                    "SELECT note FROM attune.history_part ORDER BY first_chunk LIMIT 1")
                #expect(note?.contains("open transaction") == true)
                let seen = "SELECT count(*) FROM attune.job WHERE job_id = \(waits)"
                #expect(try await other.execute(Statement(name: seen, text: seen)).one().decode(0, as: Int64.self) == 1)
                try await say("COMMIT")
                try await say("BEGIN; LOCK TABLE attune.job IN ACCESS SHARE MODE")
                var departure = try await history.history.drop(epoch: history.epoch)
                while departure == .waiting { departure = try await history.history.drop(epoch: history.epoch) }
                #expect(departure == .busy)
                #expect(try await world.state(of: waits) == .available)
                try await say("COMMIT")
            }
            #expect(try await history.dropOldest())
            #expect(try await world.state(of: waits) == .available)
        }
    }

    @Test("partitions go while jobs are enqueued, claimed and published: none is lost, and none takes effect twice")
    func underTraffic() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            // One job a user: each makes one revision, and revisions outlive the jobs that made them.
            let users = 160
            for index in 0..<users { try await world.record(2, of: "u\(index)", tenant: "acme") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Some wait for long: they must outlive their partition.
                    for index in 0..<users {
                        _ = try await history.enqueue("u\(index)", after: index % 8 == 0 ? 100_000 : nil)
                    }
                }
                group.addTask {
                    for _ in 0..<4 {
                        try await history.closeUsed()
                        try await world.run(
                            "UPDATE attune.outcome SET finished_at = finished_at - interval '31 days'")
                        try await history.age(jobs: [])
                        _ = try await history.dropOldest()
                    }
                }
                for _ in 0..<2 {
                    let worker = try await world.worker()
                    group.addTask {
                        while try await publishAll(world, worker) < users * 7 / 8 {}
                    }
                }
                try await group.waitForAll()
            }
            try await world.makeDeferredDue()
            while try await world.store.wake(limit: 100) > 0 {}
            let revisions = try await publishAll(world, try await world.worker())
            #expect(revisions == users)
            #expect(try await world.value("SELECT count(DISTINCT job_id) FROM attune.revision") == Int64(users))
            #expect(try await world.value("SELECT count(*) FROM attune.chunk WHERE state <> 4") == Int64(0))
            #expect(try await world.value("SELECT min(first_chunk) > 0 FROM attune.history_part") == true)
            try await world.checkInvariants()
        }
    }

    /// Publishes whatever waits; returns how many revisions there are then.
    private func publishAll(_ world: PostgresWorld, _ worker: Int64) async throws -> Int {
        for chunk in try await world.claimAll(worker) where !chunk.jobs.isEmpty {
            _ = try await world.store.publish(chunk.completed)
        }
        return Int(try await world.value("SELECT count(*) FROM attune.revision") as Int64)
    }

    @Test("a deposed leader changes nothing")
    func deposed() async throws {
        try await HistoryWorld.with { history in
            _ = try await history.world.run("SELECT attune.lead('another')")
            for step in [
                { try await history.history.advance(epoch: history.epoch) },
                { try await history.history.walk(epoch: history.epoch, budget: 1) },
                {
                    _ = try await history.history.drop(epoch: history.epoch)
                    return 0
                },
            ]
                + HistoryQueue.Duty.allCases.map({ duty in
                    { try await history.history.prune(duty, epoch: history.epoch, budget: 1) }
                })
            {
                #expect(await errorClass { _ = try await step() } == "deposed")
            }
        }
    }
}
