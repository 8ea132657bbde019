import Postgres
import PostgresTestSupport
import Problem
import Queue
import Testing

/// Gradients of a meta-training: jobs of no user, under no recipe.
@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct MetaRunTests {
    private func inRun(_ body: (PostgresWorld, MetaRunQueue, Int64) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme", isActive: false)
            let queue = MetaRunQueue(world.pool)
            let run = try await queue.begin(tenant: "acme").run
            try await body(world, queue, run)
            try await world.checkInvariants()
        }
    }

    private func done(_ chunks: [ClaimedChunk]) -> Delivery {
        Delivery(of: chunks) { .done(message: "acme/meta-1/\($0.jobID)", .test) }
    }

    @Test(
        "they are claimed without base and recipe, end as completed with what their worker said, and make no revision")
    func life() async throws {
        try await inRun { world, queue, run in
            let jobs = try await queue.enqueue(run: run, payloads: [[1], [2], [3]], costMilliseconds: 20)
            #expect(jobs.count == 3 && Set(jobs.map { $0 >> 10 }).count == 3, "each is a chunk of its own")
            #expect(try await queue.ended(jobs).isEmpty)
            let lanes: Int64 = try await world.value("SELECT count(DISTINCT lane) FROM attune.chunk")
            #expect(lanes == 3, "they are to meet different workers")
            let worker = try await world.worker("grader")
            let chunks = try await world.claimAll(worker)
            #expect(Set(chunks.flatMap(\.jobs).map(\.payload)) == [[1], [2], [3]])
            for chunk in chunks {
                #expect(chunk.kind == MetaRunQueue.kind && chunk.baseID == 0 && chunk.recipeDigest == "")
                let job = chunk.jobs[0]
                #expect(job.uid == 0 && job.epoch == 0 && job.user == "")
            }
            let report = try await world.store.publish(done(chunks))
            #expect(report.completed == 3 && report.retried == 0 && report.lostChunks.isEmpty)
            let ended = try await queue.ended(jobs).sorted { $0.jobID < $1.jobID }
            let expected = jobs.map { job in
                MetaRunQueue.Ended(jobID: job, state: .completed, message: "acme/meta-1/\(job)", worker: "grader")
            }
            #expect(ended == expected)
            #expect(try await world.value("SELECT count(*) FROM attune.revision") == Int64(0))
            #expect(try await world.value("SELECT count(*) FROM attune.pointer") == Int64(0))
            let shown = try await world.run("SELECT kind, user_id, state, message FROM attune.jobs ORDER BY job_id")
            for row in shown {
                #expect(try row.decode(0, as: String.self) == "meta_gradient")
                #expect(try row.decode(1, as: String?.self) == nil)
            }
            #expect(try await world.store.job(jobs[0])?.state == .completed)
        }
    }

    @Test("a worker that lost its lease changes nothing; the job goes on with its payload and ends once")
    func fence() async throws {
        try await inRun { world, queue, run in
            let jobs = try await queue.enqueue(run: run, payloads: [[9]], costMilliseconds: 20)
            let first = try await world.worker("first")
            let lost = try await world.claimOne(first)
            try await world.expireLease(ofWorker: first)
            #expect(try await world.store.rescue(limit: 10).map(\.requeued) == [1])
            let second = try await world.worker("second")
            let chunk = try await world.claimOne(second)
            #expect(chunk.jobs.map(\.jobID) == jobs && chunk.jobs[0].payload == [9] && chunk.jobs[0].tries == 0)
            #expect(try await world.store.publish(done([lost])).lostChunks == [lost.fence.chunkID])
            #expect(try await queue.ended(jobs).isEmpty)
            #expect(try await world.store.publish(done([chunk])).completed == 1)
            #expect(try await queue.ended(jobs).map(\.worker) == ["second"])
            #expect(try await world.store.publish(done([chunk])).publishedBefore == [chunk.fence.chunkID])
        }
    }

    @Test("a failed one is tried again and may be cancelled; one that cannot be helped is discarded with its words")
    func endings() async throws {
        try await inRun { world, queue, run in
            let jobs = try await queue.enqueue(run: run, payloads: [[1], [2]], costMilliseconds: 20)
            let worker = try await world.worker()
            let chunks = try await world.claimAll(worker)
            let report = try await world.store.publish(
                Delivery(of: chunks) {
                    .failed(errorClass: "object_missing", message: "gone", retryable: $0.jobID == jobs[0])
                })
            #expect(report.retried == 1 && report.discarded == 1)
            #expect(try await world.store.job(jobs[0])?.state == .retryable)
            try await queue.cancel(jobs[0])
            let ended = try await queue.ended(jobs).sorted { $0.jobID < $1.jobID }
            #expect(ended.map(\.state) == [.cancelled, .discarded])
            #expect(ended[1].errorClass == "object_missing" && ended[1].message == "gone")
        }
    }

    @Test("nobody asks for them as a user's; payloads and costs out of range are refused, and other tenants' runs")
    func refusals() async throws {
        try await inRun { world, queue, run in
            try await world.record(4, of: "u", tenant: "acme")
            func refusal(_ body: () async throws -> Void) async -> String? {
                do {
                    try await body()
                    return nil
                } catch {
                    return (error as? PostgresError)?.problem.errorClass ?? "\(error)"
                }
            }
            var job = NewJob(tenant: "acme", user: "u")
            job.kind = MetaRunQueue.kind
            let usersOwn = await refusal { _ = try await world.store.enqueue(job) }
            #expect(usersOwn == "wrong_kind")
            let cases: [(run: Int64, payloads: [[UInt8]], cost: Float, expected: String)] = [
                (run, [[UInt8](repeating: 0, count: 65537)], 20, "bad_payload"), (run, [], 20, "bad_payload"),
                (run, [[1]], 0, "bad_cost"), (run + 1, [[1]], 20, "unknown_tenant"),
            ]
            for (run, payloads, cost, expected) in cases {
                let refused = await refusal {
                    _ = try await queue.enqueue(run: run, payloads: payloads, costMilliseconds: cost)
                }
                #expect(refused == expected)
            }
            let stranger = await refusal { _ = try await queue.begin(tenant: "rival") }
            #expect(stranger == "unknown_tenant")
            try await world.addTenant("other")
            #expect(
                try await queue.begin(tenant: "other", run: run).run != run, "another tenant's run is not gone on with")
            #expect(try await queue.begin(tenant: "acme", run: run).run == run)
        }
    }

    @Test("what a run left in the store is condemned once it has ended or was not heard of for a day, not before")
    func leftovers() async throws {
        try await inRun { world, queue, run in
            let digest = String(repeating: "a", count: 64)
            let token = "00000000-0000-0000-0000-000000000000"
            let own = ["acme/meta-\(run)/\(digest)", "acme/meta-\(run)/1-2-\(token)-\(digest)"]
            let others = ["acme/meta-\(run + 1)/\(digest)", "rival/meta-\(run)/\(digest)", "acme/meta-x/\(digest)"]
            func condemned() async throws -> [String] {
                try await world.run(
                    "SELECT unnest(attune.condemn_objects($1, $2))",
                    [.array(own + others), .array([Int64](repeating: 1, count: 5))]
                ).map { try $0.decode(0, as: String.self) }.sorted()
            }
            #expect(try await condemned() == [])
            try await world.run("UPDATE attune.meta_run SET seen_at = seen_at - interval '25 hours'")
            #expect(try await condemned() == own.sorted())
            _ = try await queue.begin(tenant: "acme", run: run)
            #expect(try await condemned() == [])
            try await queue.end(run: run)
            #expect(try await condemned() == own.sorted())
        }
    }
}
