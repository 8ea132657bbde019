import Foundation
import Queue
import Testing

extension QueueWorld {
    /// Claims what waits for room under a limit.
    func claimParked(_ workerID: Int64) async throws -> [ClaimedChunk] {
        var request = ClaimRequest(workerID: workerID, lane: ClaimRequest.parkedLane)
        (request.costBudgetMilliseconds, request.jobBudget) = (100_000, 10_000)
        return try await store.claim(request).chunks
    }

    private func jobs(_ chunks: [ClaimedChunk]) -> [Int64] { chunks.flatMap(\.jobs).map(\.jobID) }

    func checkCapped() async throws {
        let ids = try await enqueueBulk(250)
        try await limit("acme", maxRunning: 120, jobsPerSecond: nil)
        let (first, second) = (try await worker("first"), try await worker("second"))
        let one = try await claimAll(first)
        #expect(jobs(one).count == 120, "a chunk of 100, and 20 or more of the next")
        #expect(try await claimAll(second).isEmpty)
        #expect(try await claimParked(second).isEmpty)
        for id in ids { #expect([.running, .available].contains(try await state(of: id))) }
        var (done, rounds) = (Set(jobs(one)), 0)
        var held = one
        while !held.isEmpty {
            _ = try await store.publish(Delivery(of: held) { .completed(.test(through: $0.dataSeq), .test) })
            held = try await claimParked(rounds % 2 == 0 ? second : first)
            #expect(jobs(held).count <= 120)
            #expect(done.isDisjoint(with: jobs(held)))
            done.formUnion(jobs(held))
            rounds += 1
        }
        #expect(done == Set(ids))
        #expect(rounds <= 4, "the cap is used, not a fraction of it")
        for id in ids { #expect(try await state(of: id) == .completed) }
    }

    func checkCappedNeighbour() async throws {
        try await addTenant("birch", isActive: true)
        _ = try await enqueueBulk(300)
        try await limit("acme", maxRunning: 1, jobsPerSecond: nil)
        try await record(1, of: "b", tenant: "birch")
        let other = try await store.enqueue(NewJob(tenant: "birch", user: "b"))
        let worker = try await worker()
        let claimed = try await claimAll(worker)
        #expect(Set(jobs(claimed)).contains(other))
        #expect(claimed.filter { $0.tenant == "acme" }.flatMap(\.jobs).count <= 1)
    }

    func checkPaced() async throws {
        _ = try await enqueueBulk(100)
        try await limit("acme", maxRunning: nil, jobsPerSecond: 0.01)
        let worker = try await worker()
        // Nothing is saved up before the limit was set.
        #expect(jobs(try await claimAll(worker)).isEmpty)
        #expect(jobs(try await claimParked(worker)).isEmpty)
        try await limit("acme", maxRunning: nil, jobsPerSecond: 1_000_000)
        var claimed: [Int64] = []
        while claimed.isEmpty { claimed = jobs(try await claimParked(worker)) }
        try await limit("acme", maxRunning: nil, jobsPerSecond: 0.01)
        #expect(claimed.count <= 100)
    }

    func checkPausedTenant() async throws {
        let ids = try await enqueueBulk(150)
        let worker = try await worker()
        try await setPaused(true, tenant: "acme", kind: nil)
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await claimParked(worker).isEmpty)
        #expect(try await store.wake(limit: 100) == 0)
        #expect(try await store.cancel(jobID: ids[7]) == .cancelled)
        #expect(try await store.retry(jobID: ids[8]) == ids[8], "it waits, and goes on waiting")
        try await setPaused(false, tenant: "acme", kind: nil)
        #expect(try await store.wake(limit: 1) == 1)
        #expect(try await store.wake(limit: 100) == 1)
        #expect(try await store.wake(limit: 100) == 0)
        let claimed = try await claimAll(worker)
        #expect(Set(jobs(claimed)) == Set(ids).subtracting([ids[7]]))
        #expect(try await claimParked(worker).isEmpty)
    }

    func checkPausedKind() async throws {
        let ids = try await enqueueBulk(1)
        try await setPaused(true, tenant: "acme", kind: "adapt")
        let worker = try await worker()
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await store.cancel(jobID: ids[0]) == .cancelled)
        let again = try await enqueueBulk(1)
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await state(of: again[0]) == .available)
        try await setPaused(false, tenant: "acme", kind: "adapt")
        #expect(try await store.wake(limit: 10) == 1)
        #expect(jobs(try await claimAll(worker)) == again)
    }
}
