import Postgres
import PostgresTestSupport
import Queue
import Testing

/// What keeps the queue going besides claims and publishes: leadership, lanes, collection.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct UpkeepTests {
    private func inTenant(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await body(world)
        }
    }

    @Test("only objects that nothing names and nothing can publish are condemned, and their keys are never used again")
    func collection() async throws {
        try await inTenant { world in
            let scheduler = SchedulerQueue(world.pool)
            _ = try await world.enqueueBulk(2)
            let chunk = try await world.claimOne(try await world.worker())
            let delivery = chunk.completed
            let key = try #require(delivery.object?.key)
            let other = "acme/not-a-key-of-ours"
            func condemn() async throws -> [String] { try await scheduler.condemn([(key, 10), (other, 10)]) }
            #expect(try await condemn() == [])
            _ = try await world.store.publish(delivery)
            #expect(try await condemn() == [])
            for user in ["u0", "u1"] { try await world.erase(user, tenant: "acme") }
            #expect(try await condemn() == [key])
            #expect(try await condemn() == [key])
            #expect(try await scheduler.objectsDeleted([key, other]) == 1)
            // Listed again: a PUT that was repeated after a timeout has landed after the first one was collected.
            #expect(try await condemn() == [key])
            #expect(try await scheduler.objectsDeleted([key]) == 0)
        }
    }

    @Test("a dedup key is kept while its job is open and for the set time after, then it is free again")
    func dedupExpiry() async throws {
        try await inTenant { world in
            let scheduler = SchedulerQueue(world.pool)
            try await world.run("UPDATE attune.setting SET dedup_days = 0")
            try await world.record(1, of: "u", tenant: "acme")
            var job = NewJob(tenant: "acme", user: "u")
            job.dedupKey = "k"
            let first = try await world.store.enqueue(job)
            #expect(try await scheduler.forgetDedupKeys() == 0)
            #expect(try await world.store.enqueue(job) == first)
            _ = try await world.store.publish(try await world.claimOne(try await world.worker()).completed)
            // The look before has put the next one off by an hour.
            #expect(try await scheduler.forgetDedupKeys() == 0)
            try await world.run("UPDATE attune.dedup SET expires = clock_timestamp()")
            #expect(try await scheduler.forgetDedupKeys() == 1)
            #expect(try await world.store.enqueue(job) != first)
        }
    }

    @Test("a deposed leader moves nothing")
    func leaders() async throws {
        try await inTenant { world in
            let scheduler = SchedulerQueue(world.pool)
            let worker = try await world.worker()
            try await world.database.withConnection { first in
                let epoch = try #require(try await scheduler.lead(name: "first", on: first))
                try await world.database.withConnection { second in
                    let epoch = try await scheduler.lead(name: "second", on: second)
                    #expect(epoch == nil)
                }
                let lanes = try await scheduler.lanes()
                #expect(lanes.count == 16)
                #expect(try await scheduler.liveWorkers().map(\.workerID) == [worker])
                let moves = lanes.prefix(2).map {
                    LaneMove(lane: $0.lane, generation: $0.generation, workerID: worker)
                }
                #expect(try await scheduler.move(moves, epoch: epoch) == moves.map(\.lane))
                #expect(try await scheduler.move(moves, epoch: epoch) == [], "their generation has risen")
                await first.close()
                let next = try await world.database.withConnection { second in
                    var taken: Int64?
                    while taken == nil { taken = try await scheduler.lead(name: "second", on: second) }
                    return taken
                }
                #expect(next == epoch + 1)
                #expect(try await scheduler.stillLeads(epoch: epoch) == false)
                #expect(await errorClass { _ = try await scheduler.move([], epoch: epoch) } == "deposed")
            }
        }
    }

    @Test("partitions are there before chunks need them")
    func partitions() async throws {
        try await inTenant { world in
            try await world.record(1, of: "u", tenant: "acme")
            try await world.run("SELECT setval('attune.chunk_id_seq', 4 * 1048576 - 2)")
            let last = try await world.store.enqueue(NewJob(tenant: "acme", user: "u"))
            #expect(last >> 10 == 4 * 1_048_576 - 1)
            let bulk = Bulk(tenant: "acme", entries: [.init(user: "u")])
            #expect(try await world.store.enqueue(bulk).jobIDs == 4_294_967_296...4_294_967_296)
            let chunks = try await world.claimAll(try await world.worker())
            #expect(Set(chunks.flatMap(\.jobs).map(\.jobID)) == [last, 4_294_967_296])
        }
    }

    @Test("virtual time follows what waits, and who was idle starts there: idleness saves up no burst")
    func fairness() async throws {
        try await inTenant { world in
            _ = try await world.enqueueBulk(300)
            let worker = try await world.worker()
            let claimed = try await world.claimAll(worker).map(\.place.sortKey).sorted()
            try await world.run("UPDATE attune.chunk SET state = 0 WHERE sort_key = $1", [.int64(claimed[2])])
            _ = try await world.store.heartbeat(Heartbeat(workerID: worker, progress: 1, jobsInHand: 1))
            let now: Int64 = try await world.value("SELECT virtual_time FROM attune.fair_clock")
            #expect(now == claimed[2])
            try await world.addTenant("birch")
            try await world.record(1, of: "u", tenant: "birch")
            _ = try await world.store.enqueue(NewJob(tenant: "birch", user: "u"))
            let tag: Int64 = try await world.value("SELECT sort_key FROM attune.chunk ORDER BY chunk_id DESC LIMIT 1")
            #expect((now...now + 1000).contains(tag))
        }
    }

    @Test("more lanes take new chunks, the old ones still drain")
    func lanes() async throws {
        try await inTenant { world in
            let jobs = try await world.enqueueBulk(1)
            #expect(try await world.value("SELECT attune.set_lanes(64)") == Int32(64))
            #expect(try await world.value("SELECT attune.set_lanes(64)") == Int32(0))
            let job = try await world.store.enqueue(NewJob(tenant: "acme", user: "u0"))
            let lane: Int32 = try await world.value("SELECT lane FROM attune.chunk ORDER BY chunk_id DESC LIMIT 1")
            #expect(lane >> 16 == 2)
            let scheduler = SchedulerQueue(world.pool)
            try await world.run("UPDATE attune.leader SET epoch = 7")
            #expect(try await scheduler.raiseLanes(to: 32, epoch: 7) == 0, "they are never made fewer")
            #expect(try await scheduler.laneSettings() == (64, 8))
            #expect(try await scheduler.raiseLanes(to: 128, epoch: 7) == 128)
            await #expect(throws: (any Error).self, "a deposed leader") {
                try await scheduler.raiseLanes(to: 256, epoch: 6)
            }
            #expect(try await scheduler.laneSettings().lanes == 128)
            #expect(try await world.claimAll(try await world.worker()).flatMap(\.jobs).map(\.jobID) == jobs)
            #expect(try await world.state(of: job) == .available)
        }
    }

    @Test("a claim reads a few pages by the lane's index, whatever waits elsewhere")
    func claimPlan() async throws {
        try await inTenant { world in
            try await world.run(
                """
                INSERT INTO attune.chunk (chunk_id, sort_key, lane, tenant_id, flow_id, kind_id, job_count, cost_ms)
                SELECT n, n, 65536 + n % 16, 1, 2, 1, 1, 5 FROM generate_series(1, 50000) AS n
                """)
            try await world.run("ANALYZE attune.chunk")
            let plan = try await world.run(
                """
                EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) SELECT c.chunk_id FROM attune.chunk c
                WHERE c.lane = 65540 AND c.state = 0 AND (c.sort_key, c.chunk_id) > (7, 7)
                ORDER BY c.sort_key, c.chunk_id LIMIT 256 FOR UPDATE SKIP LOCKED
                """
            ).map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
            #expect(plan.contains("Index Scan using chunk_claim"))
            #expect(!plan.contains("Sort") && !plan.contains("Seq Scan"))
        }
    }
}
