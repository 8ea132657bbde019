import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Samples, speeds and plans' inputs as only PostgreSQL keeps them.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct LaneSampleTests {
    private func inTenant(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await body(world)
        }
    }

    /// Ready chunks of single jobs in one lane, of the bulk flow, with keys from 1,000 on, 1,000 apart.
    private func fill(_ world: PostgresWorld, lane: Int32, chunks: Int) async throws {
        try await world.run(
            """
            INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, job_count, cost_ms)
            SELECT nextval('attune.chunk_id_seq'), n * 1000::bigint, \(lane), 1,
                (SELECT flow_id FROM attune.flow WHERE tenant_id = 1 AND name = 'bulk'), 1, 1, 5
            FROM generate_series(1, \(chunks)) AS n
            """)
    }

    @Test("an idle lane is told of once by each owner, a lane with work every time")
    func onChange() async throws {
        try await inTenant { world in
            let (first, second) = (try await world.worker("first"), try await world.worker("second"))
            let (idle, busy) = (world.lanes[0], world.lanes[1])
            try await fill(world, lane: busy, chunks: 3)
            for worker in [first, first, second, second, first] {
                try await world.store.sampleLanes(workerID: worker, marks: [idle: .start, busy: .start])
            }
            let count = "SELECT count(*) FROM attune.lane_sample WHERE lane_id = $1"
            #expect(try await world.value(count, [.int32(idle)]) == Int64(3))
            #expect(try await world.value(count, [.int32(busy)]) == Int64(5))
            let waiting: Int64 = try await world.value("SELECT sum(waiting)::bigint FROM attune.lanes")
            #expect(waiting == 3)
            let flows = try await world.run("SELECT waiting, cost_ms FROM attune.lane_flows").map {
                try $0.values(Int64.self, Double.self)
            }
            #expect(flows.map(\.0) == [3] && flows.map(\.1) == [15])
        }
    }

    @Test("past the first chunks the rest of a flow is told by its tags, and marked as an estimate")
    func estimate() async throws {
        try await inTenant { world in
            let worker = try await world.worker()
            try await fill(world, lane: world.lanes[0], chunks: 5000)
            // The flow's tags say where it ends: 5,000 chunks 1,000 apart.
            try await world.run(
                """
                UPDATE attune.flow SET base_tag = 0, weight = 1 WHERE tenant_id = 1 AND name = 'bulk';
                """)
            let flow: Int32 = try await world.value(
                "SELECT flow_id FROM attune.flow WHERE tenant_id = 1 AND name = 'bulk'")
            try await world.run("SELECT setval('attune.flow_\(flow)_seq', 5000)")
            let row = try await world.run(
                "SELECT waiting, exact, cost_ms FROM attune.sample_lanes($1, ARRAY[$2], ARRAY[-1::bigint], ARRAY[-1::bigint], 500)",
                [.int64(worker), .int32(world.lanes[0])]
            ).one()
            let (waiting, isExact, cost) = try row.values(Int64.self, Bool.self, Double.self)
            #expect(!isExact)
            #expect((4500...5500).contains(waiting), "\(waiting) of 5,000, from 500 of them")
            #expect(abs(cost - 5 * Double(waiting)) < 10)
        }
    }

    @Test("estimates are corrected by what jobs of a tenant really took, relative to the others")
    func correction() async throws {
        try await inTenant { world in
            try await world.addTenant("birch")
            let worker = try await world.worker()
            // Birch's jobs take nine times what was estimated for them, acme's what was estimated.
            for round in 1...40 {
                let shares = [(Int32(1), 1000.0), (Int32(2), 9000.0)].map { tenant, took in
                    WorkDone.Share(tenantID: tenant, kind: "adapt", estimatedMilliseconds: 1000, tookMilliseconds: took)
                }
                let work = WorkDone(spanMilliseconds: 10_000, busyMilliseconds: 10_000, shares: shares)
                _ = try await world.store.heartbeat(
                    Heartbeat(workerID: worker, progress: Int64(round), jobsInHand: 1, work: work))
            }
            #expect(try await world.value("SELECT count(*) FROM attune.work_delta") == Int64(0), "all are learnt from")
            let factors = try await world.run(
                "SELECT factor FROM attune.cost_factor WHERE tenant_id > 0 ORDER BY tenant_id"
            ).map {
                try $0.decode(0, as: Float.self)
            }
            try #require(factors.count == 2)
            #expect((7.5...9.5).contains(factors[1] / factors[0]), "\(factors)")
            #expect(abs(factors[0] + factors[1] - 2) < 0.2, "right on the whole: \(factors)")
            try await world.record(1, of: "u", tenant: "birch")
            var job = NewJob(tenant: "birch", user: "u")
            job.costMilliseconds = 100
            _ = try await world.store.enqueue(job)
            let marks = Dictionary(uniqueKeysWithValues: world.lanes.map { ($0, LaneMark.start) })
            let cost = try await world.store.sampleLanes(workerID: worker, marks: marks).reduce(0) {
                $0 + $1.costMilliseconds
            }
            #expect(abs(cost - Double(100 * factors[1])) < 0.01 * cost)
        }
    }

    @Test("a worker with nothing to do hears of lanes of others whose head has waited, and claims from them")
    func help() async throws {
        try await inTenant { world in
            let owner = try await world.worker("owner")
            #expect(try await world.store.adoptLanes(workerID: owner) == world.lanes.count)
            let idler = try await world.worker("idler")
            let jobs = try await world.enqueueBulk(1)
            let marks = Dictionary(uniqueKeysWithValues: world.lanes.map { ($0, LaneMark.start) })
            try await world.store.sampleLanes(workerID: owner, marks: marks)
            #expect(try await world.store.lanesToHelp(workerID: idler, limit: 4).isEmpty, "it has just come")
            try await world.run("UPDATE attune.lane_sample SET head_at = head_at - interval '1 minute'")
            #expect(try await world.store.lanesToHelp(workerID: owner, limit: 4).isEmpty, "its own")
            let found = try await world.store.lanesToHelp(workerID: idler, limit: 4)
            let (lane, mark) = try #require(found.first)
            #expect(found.count == 1)
            var request = ClaimRequest(workerID: idler, lane: lane)
            request.mark = mark
            #expect(try await world.store.claim(request).chunks.flatMap(\.jobs).map(\.jobID) == jobs)
        }
    }

    @Test("a worker that holds work and gets nothing done is wedged: it owns no lanes")
    func wedged() async throws {
        try await inTenant { world in
            let scheduler = SchedulerQueue(world.pool)
            let (stuck, other) = (try await world.worker("stuck"), try await world.worker("other"))
            #expect(try await world.store.adoptLanes(workerID: stuck) > 0)
            _ = try await world.store.heartbeat(Heartbeat(workerID: stuck, progress: 5, jobsInHand: 10))
            #expect(try await scheduler.liveWorkers().map(\.workerID) == [stuck, other])
            try await world.run(
                "UPDATE attune.worker SET progress_at = progress_at - interval '61 s' WHERE worker_id = $1",
                [.int64(stuck)])
            _ = try await world.store.heartbeat(Heartbeat(workerID: stuck, progress: 5, jobsInHand: 10))
            #expect(try await scheduler.liveWorkers().map(\.workerID) == [other])
            let state: String = try await world.value(
                "SELECT state FROM attune.workers WHERE worker_id = $1", [.int64(stuck)])
            #expect(state == "wedged")
            #expect(try await world.store.adoptLanes(workerID: stuck) == 0)
            #expect(try await world.store.adoptLanes(workerID: other) == world.lanes.count)
            _ = try await world.store.heartbeat(Heartbeat(workerID: stuck, progress: 6, jobsInHand: 10))
            #expect(try await scheduler.liveWorkers().map(\.workerID) == [stuck, other], "it got something done")
        }
    }

    @Test("old samples are removed by the leader alone, a lane's newest never")
    func prune() async throws {
        try await inTenant { world in
            let scheduler = SchedulerQueue(world.pool)
            let epoch = try await world.database.withConnection {
                try #require(try await scheduler.lead(name: "s", on: $0))
            }
            let worker = try await world.worker()
            try await fill(world, lane: world.lanes[0], chunks: 1)
            for _ in 0..<3 {
                try await world.store.sampleLanes(workerID: worker, marks: [world.lanes[0]: .start])
            }
            #expect(try await scheduler.pruneSamples(epoch: epoch) == 0)
            try await world.run("UPDATE attune.lane_sample SET sampled_at = sampled_at - interval '11 minutes'")
            #expect(await errorClass { _ = try await scheduler.pruneSamples(epoch: epoch - 1) } == "deposed")
            #expect(try await scheduler.pruneSamples(epoch: epoch, limit: 1) == 1)
            #expect(try await scheduler.pruneSamples(epoch: epoch) == 1)
            #expect(try await scheduler.sightings(since: nil).keys.sorted() == [world.lanes[0]])
        }
    }

    @Test("how many workers are wanted is one SELECT; without a leader it is never fewer than live")
    func wanted() async throws {
        try await inTenant { world in
            let scheduler = SchedulerQueue(world.pool)
            let epoch = try await world.database.withConnection {
                try #require(try await scheduler.lead(name: "s", on: $0))
            }
            var wanted = try await scheduler.workerTarget()
            #expect((wanted.desired, wanted.least, wanted.most, wanted.drainSeconds) == (1, 1, 100, 300))
            (wanted.desired, wanted.needed, wanted.lowerForSeconds) = (7, 5, 30)
            try await scheduler.want(wanted, epoch: epoch)
            let desired = "SELECT desired FROM attune.desired_workers"
            #expect(try await world.value(desired) == Int32(7))
            let again = try await scheduler.workerTarget()
            #expect(again.lowerForSeconds.map { $0 >= 30 && $0 < 60 } == true, "a new leader goes on counting")
            for index in 0..<9 { _ = try await world.worker("w\(index)") }
            #expect(try await world.value(desired) == Int32(7))
            try await world.run("UPDATE attune.worker_target SET decided_at = decided_at - interval '2 minutes'")
            #expect(try await world.value(desired) == Int32(9))
            let deposed = await errorClass { try await scheduler.want(wanted, epoch: epoch - 1) }
            #expect(deposed == "deposed")
        }
    }

    @Test("a worker of an earlier version, whose heartbeats tell nothing of its work, works beside a new one")
    func earlierVersion() async throws {
        try await inTenant { world in
            let (old, new) = (try await world.worker("old"), try await world.worker("new"))
            func beatAsBefore() async throws -> (state: String, lanes: [Int32]) {
                let row = try await world.run(
                    "SELECT state, lease_seconds, lanes, generations, leader_lives FROM attune.heartbeat($1, $2, $3)",
                    [.int64(old), .int64(1), .int32(0)]
                ).one()
                return (try row.decode(0), try row.decode(2))
            }
            for worker in [old, new, old, new] { try await world.store.adoptLanes(workerID: worker) }
            let orders = try await world.store.heartbeat(Heartbeat(workerID: new, progress: 1, jobsInHand: 0))
            #expect(try await beatAsBefore().lanes.count == 8 && orders.lanes.count == 8)
            let jobs = try await world.enqueueBulk(300)
            var ended: [Int64] = []
            for (worker, lanes) in [(old, try await beatAsBefore().lanes), (new, orders.lanes)] {
                for lane in lanes {
                    let chunks = try await world.store.claim(ClaimRequest(workerID: worker, lane: lane)).chunks
                    for chunk in chunks {
                        #expect(try await world.store.publish(chunk.completed).completed == chunk.jobs.count)
                        ended += chunk.jobs.map(\.jobID)
                    }
                }
            }
            #expect(ended.sorted() == jobs.sorted())
            // It knows no pause: it goes on, without lanes and without claims.
            _ = try await world.store.setState(.paused, ofWorker: old)
            let paused = try await beatAsBefore()
            #expect(paused.state == "active" && paused.lanes.isEmpty)
        }
    }
}
