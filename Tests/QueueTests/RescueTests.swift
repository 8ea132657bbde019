import Postgres
import PostgresTestSupport
import Queue
import Testing

/// What only PostgreSQL's clock and history can show of rescue and retry.
@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct RescueTests {
    private func inTenant(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await body(world)
            try await world.checkInvariants()
        }
    }

    @Test("nothing is rescued until one lease after the server started: an outage is not a crash")
    func afterRestart() async throws {
        try await inTenant { world in
            _ = try await world.enqueueBulk(1)
            let worker = try await world.worker()
            _ = try await world.claimOne(worker)
            try await world.expireLease(ofWorker: worker)
            try await world.run("ALTER TABLE attune.setting DROP CONSTRAINT setting_lease_seconds_check")
            try await world.run(
                "UPDATE attune.setting SET lease_seconds = extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) + 60"
            )
            #expect(try await world.store.rescue(limit: 10) == [])
            try await world.run("UPDATE attune.setting SET lease_seconds = 30")
            #expect(try await world.store.rescue(limit: 10).map(\.workerID) == [worker])
        }
    }

    @Test("a worker that lives but is past a chunk's deadline loses that chunk alone")
    func deadline() async throws {
        try await inTenant { world in
            _ = try await world.enqueueBulk(101)
            let worker = try await world.worker()
            let chunks = try await world.claimAll(worker)
            #expect(chunks.count == 2)
            try await world.run(
                "UPDATE attune.chunk SET deadline = clock_timestamp() - interval '1 s' WHERE chunk_id = $1",
                [.int64(chunks[0].fence.chunkID)])
            let rescued = try await world.store.rescue(limit: 10)
            #expect(rescued.map(\.chunkID) == [chunks[0].fence.chunkID])
            #expect(rescued.map(\.errorClass) == ["deadline_passed"])
            let report = try await world.store.publish(
                Delivery(of: chunks) { .completed(.test(through: $0.dataSeq), .test) })
            #expect(report.lostChunks == [chunks[0].fence.chunkID])
            #expect(report.completed == chunks[1].jobs.count)
        }
    }

    @Test("losing to other publishes costs no try three times, then it does")
    func supersededCap() async throws {
        try await inTenant { world in
            let worker = try await world.worker()
            for _ in 0..<2 {
                try await world.record(1, of: "u", tenant: "acme")
                _ = try await world.store.enqueue(NewJob(tenant: "acme", user: "u"))
                _ = try await world.store.publish(try await world.claimOne(worker).completed)
            }
            try await world.record(1, of: "u", tenant: "acme")
            let job = try await world.store.enqueue(NewJob(tenant: "acme", user: "u"))
            for round in 1...4 {
                let chunk = try await world.claimOne(worker)
                #expect(chunk.jobs.map(\.tries) == [0])
                let (to, from) = round % 2 == 1 ? (1, 2) : (2, 1)
                try await world.run("SELECT attune.rollback('acme', 'u', \(to), \(from))")
                #expect(try await world.store.publish(chunk.completed).superseded == 1)
            }
            let status = try #require(try await world.store.job(job))
            #expect((status.state, status.tries) == (.retryable, 1))
            try await world.makeDeferredDue()
            #expect(try await world.store.wake(limit: 1) == 1)
            #expect(try await world.store.publish(try await world.claimOne(worker).completed).completed == 1)
        }
    }

    @Test("every try of a job is told, in order")
    func attemptLog() async throws {
        try await inTenant { world in
            let jobs = try await world.enqueueBulk(1)
            let (first, second) = (try await world.worker("first"), try await world.worker("second"))
            _ = try await world.claimOne(first)
            try await world.expireLease(ofWorker: first)
            _ = try await world.store.rescue(limit: 1)
            var chunk = try await world.claimOne(second)
            _ = try await world.store.publish(
                chunk.delivery { _ in .failed(errorClass: "store_unavailable", message: "503", retryable: true) })
            try await world.makeDeferredDue()
            _ = try await world.store.wake(limit: 1)
            chunk = try await world.claimOne(second)
            _ = try await world.store.handBack([chunk.fence])
            let rows = try await world.run(
                """
                SELECT l.error_class, w.name, l.runs_again_at IS NOT NULL FROM attune.attempt_log l
                JOIN attune.worker w USING (worker_id) WHERE l.job_id = $1 ORDER BY l.log_id
                """, [.int64(jobs[0])]
            ).map { try $0.values(String.self, String.self, Bool.self) }
            #expect(rows.map(\.0) == ["lease_expired", "store_unavailable", "handed_back"])
            #expect(rows.map(\.1) == ["first", "second", "second"])
            #expect(rows.map(\.2) == [true, true, false])
        }
    }

    @Test("a claim that a crash of the server has lost is made again by the same worker, once it hears of the crash")
    func lostClaim() async throws {
        try await inTenant { world in
            let jobs = try await world.enqueueBulk(1)
            let worker = try await world.worker()
            let lane: Int32 = try await world.value("SELECT lane FROM attune.chunk WHERE state = 0")
            let orders = try await world.store.heartbeat(Heartbeat(workerID: worker, progress: 0, jobsInHand: 0))
            let start: Double = try await world.value("SELECT extract(epoch FROM pg_postmaster_start_time())::float8")
            #expect(orders.serverStart == start)
            var schedule = LaneSchedule()
            schedule.setLanes([lane], serverStart: orders.serverStart)
            func claim(at seconds: Double) async throws -> [Int64] {
                while let request = schedule.nextClaim(workerID: worker, at: seconds) {
                    let result = try await world.store.claim(request)
                    schedule.note(result, of: request, at: seconds)
                    if !result.chunks.isEmpty { return result.chunks.flatMap(\.jobs).map(\.jobID) }
                }
                return []
            }
            #expect(try await claim(at: 0) == jobs)
            // As recovery leaves it: the row as it was before, with its key and its birth.
            try await world.run(
                """
                UPDATE attune.chunk SET state = 0, attempt = 0, live_count = 0, worker_id = NULL, token = NULL, base_id = NULL,
                    recipe_id = NULL, claimed_at = NULL, deadline = NULL
                """)
            for tick in 1...8 { #expect(try await claim(at: 0.3 * Double(tick)) == []) }
            schedule.setLanes([lane], serverStart: start + 60)
            #expect(try await claim(at: 3) == jobs)
        }
    }
}
