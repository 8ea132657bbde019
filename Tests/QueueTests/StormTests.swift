import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Everything at once, at random: workers that publish, fail, hand back and die, producers, cancels, erasures, rescues.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct StormTests {
    @Test(
        "a storm of workers, producers, cancels, erasures and rescues ends every job once", arguments: [UInt64(1), 2])
    func storm(seed: UInt64) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            _ = try await world.enqueueBulk(60)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<4 {
                    group.addTask { try await work(world, SeededGenerator(seed &* 100 &+ UInt64(index))) }
                }
                group.addTask { try await disturb(world, SeededGenerator(seed &* 100 &+ 50)) }
                try await group.waitForAll()
            }
            try await drain(world)
            try await world.checkInvariants()
            let open: Int64 = try await world.value(
                "SELECT count(*) FROM attune.job j LEFT JOIN attune.outcome o USING (job_id) WHERE o.job_id IS NULL")
            #expect(open == 0, "seed \(seed)")
        }
    }

    /// A worker that dies now and then and comes back under another id.
    private func work(_ world: PostgresWorld, _ generator: SeededGenerator) async throws {
        var random = generator
        var worker = try await world.worker()
        for _ in 0..<60 {
            var request = ClaimRequest(workerID: worker, lane: world.lanes.randomElement(using: &random) ?? 0)
            request.jobBudget = 200
            let chunks: [ClaimedChunk]
            do {
                chunks = try await world.store.claim(request).chunks
            } catch let error as PostgresError where error.detail == "worker_gone" {
                worker = try await world.worker()
                continue
            }
            guard !chunks.isEmpty else { continue }
            switch Int.random(in: 0..<10, using: &random) {
            case 0: try await world.expireLease(ofWorker: worker)
            case 1: _ = try await world.store.handBack(chunks.map(\.fence))
            default:
                let draws = chunks.flatMap(\.jobs).map { ($0.jobID, Int.random(in: 0..<8, using: &random)) }
                let draw = Dictionary(uniqueKeysWithValues: draws)
                _ = try await world.store.publish(
                    Delivery(of: chunks) { job in
                        switch draw[job.jobID] {
                        case 0: .failed(errorClass: "storm", message: "", retryable: true)
                        case 1: .kept(dataThrough: job.dataSeq, .test)
                        case 2: .handedBack
                        default: .completed(.test(through: job.dataSeq), .test)
                        }
                    })
            }
        }
    }

    private func disturb(_ world: PostgresWorld, _ generator: SeededGenerator) async throws {
        var random = generator
        for round in 0..<60 {
            let user = "u\(Int.random(in: 0..<60, using: &random))"
            try await world.record(1, of: user, tenant: "acme")
            let job = try await world.store.enqueue(NewJob(tenant: "acme", user: user))
            switch round % 6 {
            case 0: _ = try await world.store.cancel(jobID: job)
            case 1: try await world.erase(user, tenant: "acme")
            case 2: _ = try await world.store.rescue(limit: 10)
            case 3: try await world.makeDeferredDue()
            case 4: _ = try await world.store.wake(limit: 10)
            default:
                let refused = await errorClass { _ = try await world.store.retry(jobID: job) }
                #expect(refused == nil || refused == "already_ended")
            }
        }
    }

    /// Lets one good worker finish what is left.
    private func drain(_ world: PostgresWorld) async throws {
        try await world.run("UPDATE attune.worker SET lease_until = clock_timestamp() - interval '1 s'")
        for _ in 0..<200 {
            _ = try await world.store.rescue(limit: 1000)
            try await world.makeDeferredDue()
            _ = try await world.store.wake(limit: 1000)
            let worker = try await world.worker("last")
            let chunks = try await world.claimAll(worker)
            for chunk in chunks { _ = try await world.store.publish(chunk.completed) }
            let open: Int64 = try await world.value("SELECT count(*) FROM attune.chunk WHERE state <> 4")
            if open == 0 { return }
        }
        Issue.record("chunks are still open after 200 rounds")
    }
}

/// SplitMix64, so that a storm can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
