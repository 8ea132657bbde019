import Foundation
import Queue
import Testing

extension QueueWorld {
    func checkExpired() async throws {
        let ids = try await enqueueBulk(3)
        let (first, second) = (try await worker("first"), try await worker("second"))
        let lost = try await claimOne(first)
        #expect(try await store.rescue(limit: 10).isEmpty)
        #expect(try await claimAll(second).isEmpty)
        try await expireLease(ofWorker: first)
        let rescued = try await store.rescue(limit: 10)
        #expect(rescued.map(\.errorClass) == ["lease_expired"])
        #expect(rescued.map(\.requeued) == [3])
        let again = try await claimOne(second)
        #expect(again.jobs.map(\.jobID) == ids)
        #expect(again.crashes == 1)
        var expected = PublishReport()
        expected.lostChunks = [lost.fence.chunkID]
        #expect(try await store.publish(lost.completed) == expected)
        #expect(try await revision(of: "u0", tenant: "acme") == nil)
        #expect(try await store.publish(again.completed).completed == 3)
        #expect(try await store.publish(lost.completed) == expected)
        #expect(try await revision(of: "u0", tenant: "acme") == 1)
    }

    func checkHeartbeat() async throws {
        _ = try await enqueueBulk(1)
        let worker = try await worker()
        let chunk = try await claimOne(worker)
        try await expireLease(ofWorker: worker)
        #expect(await errorClass { _ = try await claimAll(worker) } == "worker_gone")
        let orders = try await store.heartbeat(Heartbeat(workerID: worker, progress: 1, jobsInHand: 1))
        #expect((orders.state, orders.hasLeader) == (.active, false))
        #expect(try await store.rescue(limit: 10).isEmpty)
        #expect(try await store.publish(chunk.completed).completed == 1)
    }

    func checkGone() async throws {
        _ = try await enqueueBulk(1)
        let worker = try await worker()
        #expect(try await store.setState(.stopped, ofWorker: worker))
        #expect(try await store.setState(.active, ofWorker: worker) == false)
        #expect(await errorClass { _ = try await claimAll(worker) } == "worker_gone")
        let beat = Heartbeat(workerID: worker, progress: 0, jobsInHand: 0)
        #expect(await errorClass { _ = try await store.heartbeat(beat) } == "worker_gone")
    }

    func checkDraining() async throws {
        _ = try await enqueueBulk(1)
        let worker = try await worker()
        let chunk = try await claimOne(worker)
        #expect(try await store.setState(.draining, ofWorker: worker))
        #expect(await errorClass { _ = try await claimAll(worker) } == "worker_gone")
        let orders = try await store.heartbeat(Heartbeat(workerID: worker, progress: 1, jobsInHand: 1))
        #expect(orders.state == .draining)
        #expect(try await store.publish(chunk.completed).completed == 1)
    }

    func checkSuperseded() async throws {
        let (first, second) = (try await worker("first"), try await worker("second"))
        try await record(4, of: "u", tenant: "acme")
        let older = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        let one = try await claimOne(first)
        try await record(1, of: "u", tenant: "acme")
        let newer = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        let two = try await claimOne(second)
        #expect(try await store.publish(one.completed).completed == 1)
        let report = try await store.publish(two.completed)
        #expect((report.completed, report.superseded, report.retried) == (0, 1, 1))
        #expect(try await store.job(newer)?.errorClass == "superseded")
        let again = try await claimOne(second)
        #expect(again.jobs.map(\.jobID) == [newer])
        #expect(again.jobs.map(\.tries) == [0])
        #expect(again.jobs[0].parentRevision != nil)
        #expect(try await store.publish(again.completed).completed == 1)
        #expect(try await revision(of: "u", tenant: "acme") == 2)
        #expect(try await state(of: older) == .completed)
    }

    func checkOvertaken() async throws {
        for result in ["completed", "kept"] {
            let user = "u-\(result)"
            let (first, second) = (try await worker("first"), try await worker("second"))
            try await record(4, of: user, tenant: "acme")
            let older = try await store.enqueue(NewJob(tenant: "acme", user: user))
            let one = try await claimOne(first)
            try await record(2, of: user, tenant: "acme")
            let newer = try await store.enqueue(NewJob(tenant: "acme", user: user))
            let two = try await claimOne(second)
            let keep: (ClaimedJob) -> JobResult = { .kept(dataThrough: $0.dataSeq, .test) }
            #expect(try await store.publish(two.delivery(keep)).kept == 1)
            // It knows of four examples, six were looked at: what it says would hide the last two for good.
            let report = try await store.publish(result == "kept" ? one.delivery(keep) : one.completed)
            #expect((report.completed, report.kept, report.superseded, report.retried) == (0, 0, 1, 1))
            #expect(try await store.job(older)?.errorClass == "superseded")
            #expect(try await revision(of: user, tenant: "acme") == nil)
            // Its turn comes again, and finds everything looked at.
            #expect(try await claimAll(second).flatMap(\.jobs).isEmpty)
            #expect(try await state(of: older) == .covered)
            #expect(try await state(of: newer) == .kept)
        }
    }

    func checkErased() async throws {
        let ids = try await enqueueBulk(2)
        let chunk = try await claimOne(try await worker())
        try await erase("u0", tenant: "acme")
        let report = try await store.publish(chunk.completed)
        #expect((report.completed, report.erased) == (1, 1))
        let status = try #require(try await store.job(ids[0]))
        #expect((status.state, status.errorClass, status.user) == (.cancelled, "user_erased", nil))
        // The name may come back as another person, who has nothing of the first.
        try await record(1, of: "u0", tenant: "acme")
        #expect(try await revision(of: "u0", tenant: "acme") == nil)
    }

    func checkErasedWaiting() async throws {
        let ids = try await enqueueBulk(2)
        try await erase("u1", tenant: "acme")
        let chunk = try await claimOne(try await worker())
        #expect(chunk.jobs.map(\.jobID) == [ids[0]])
        let status = try #require(try await store.job(ids[1]))
        #expect((status.state, status.errorClass) == (.cancelled, "user_erased"))
    }

    /// Has a new worker claim everything and die; returns how many chunks it held.
    private func crash(_ name: String) async throws -> Int {
        let worker = try await worker(name)
        let held = try await claimAll(worker).count
        try await expireLease(ofWorker: worker)
        _ = try await store.rescue(limit: 1000)
        try await makeDeferredDue()
        _ = try await store.wake(limit: 1000)
        return held
    }

    func checkIsolation() async throws {
        let ids = try await enqueueBulk(3)
        let bystander = try await worker("bystander")
        for crash in 1...2 { #expect(try await self.crash("w\(crash)") == 1) }
        let worker = try await worker()
        let first = try await claimAll(worker)
        #expect(first.map(\.jobs.count) == [1])
        #expect(first.map(\.crashes) == [2])
        // While it holds one of them it gets nothing else, and another worker gets the next.
        var request = ClaimRequest(workerID: worker, lane: try #require(lanes.first))
        request.costBudgetMilliseconds = 100_000
        for lane in lanes {
            request.lane = lane
            let result = try await store.claim(request)
            #expect(result.chunks.isEmpty && result.needsEmptyHands)
        }
        let second = try await claimAll(bystander)
        #expect(second.map(\.jobs.count) == [1])
        #expect(try await store.publish(first[0].completed).completed == 1)
        #expect(try await store.publish(second[0].completed).completed == 1)
        #expect(try await store.publish(try await claimOne(worker).completed).completed == 1)
        for id in ids { #expect(try await state(of: id) == .completed) }
    }

    func checkPoison() async throws {
        let ids = try await enqueueBulk(3)
        let survivor = try await worker("survivor")
        for crash in 1...2 { #expect(try await self.crash("w\(crash)") == 1) }
        // The poison is the first job: whoever claims it dies, the others complete.
        for round in 0..<3 {
            let worker = try await worker("w\(round + 3)")
            let chunk = try await claimOne(worker)
            if chunk.jobs[0].jobID == ids[0] {
                try await expireLease(ofWorker: worker)
                let rescued = try await store.rescue(limit: 10)
                #expect(rescued.map(\.discarded) == [1])
            } else {
                #expect(try await store.publish(chunk.completed).completed == 1)
            }
        }
        let status = try #require(try await store.job(ids[0]))
        #expect((status.state, status.errorClass) == (.discarded, "worker_crashed"))
        for id in ids.dropFirst() { #expect(try await state(of: id) == .completed) }
        #expect(try await claimAll(survivor).isEmpty)
    }

    func checkAdoption() async throws {
        let first = try await worker("first")
        #expect(try await store.adoptLanes(workerID: first) == lanes.count)
        let second = try await worker("second")
        #expect(try await store.adoptLanes(workerID: second) == 0)
        #expect(try await store.adoptLanes(workerID: first) == 0)
        #expect(try await store.adoptLanes(workerID: second) == lanes.count / 2)
        let beats = [first, second].map { Heartbeat(workerID: $0, progress: 0, jobsInHand: 0) }
        let owned = try await (store.heartbeat(beats[0]).lanes, store.heartbeat(beats[1]).lanes)
        #expect((owned.0 + owned.1).sorted() == lanes.sorted())
        // What a dead worker owned is adopted at once.
        try await expireLease(ofWorker: first)
        #expect(try await store.adoptLanes(workerID: second) == lanes.count / 2)
    }

    func checkLate() async throws {
        let worker = try await worker()
        try await record(4, of: "a", tenant: "acme")
        var bulk = Bulk(tenant: "acme", entries: [.init(user: "a")])
        bulk.flow = .campaign
        let id = try #require(try await store.enqueue(bulk).jobIDs?.lowerBound)
        let lane = try #require(try await laneOfOnlyChunk(worker))
        #expect(lane.result.chunks.map(\.jobs.count) == [1])
        // Single jobs of the interactive flow have smaller tags, hence come before the mark.
        var request = lane.request
        (request.mark, request.lateSince) = (LaneMark(sortKey: .max, chunkID: .max), nil)
        _ = try await store.handBack(lane.result.chunks.map(\.fence))
        #expect(try await store.claim(request).chunks.isEmpty)
        request.lateSince = lane.result.horizon
        // What comes after the mark is not a sweep's to take, however new: it has its turn by its key.
        var early = request
        early.mark = .start
        let passed = try await store.claim(early)
        #expect(passed.chunks.isEmpty && passed.next != nil)
        let swept = try await store.claim(request)
        #expect(swept.chunks.flatMap(\.jobs).map(\.jobID) == [id])
        #expect(swept.mark == request.mark)
    }

    private func laneOfOnlyChunk(
        _ worker: Int64
    ) async throws -> (request: ClaimRequest, result: ClaimResult)? {
        for lane in lanes {
            let request = ClaimRequest(workerID: worker, lane: lane)
            let result = try await store.claim(request)
            if !result.chunks.isEmpty { return (request, result) }
        }
        return nil
    }

    func checkPassedOn() async throws {
        try await record(2, of: "u", tenant: "acme")
        let job = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        let (poor, rich) = (try await worker("poor"), try await worker("rich"))
        let chunk = try await claimOne(poor)
        // While nobody holds it, it stays where it is and waits.
        try await store.setBases([String(repeating: "e", count: 64)], ofWorker: poor)
        #expect(try await store.passOn([chunk.fence], reason: "not here") == 1)
        #expect(try await store.passOn([chunk.fence], reason: "not here") == 0)
        #expect(try await claimAll(rich).isEmpty)
        try await makeDeferredDue()
        _ = try await store.wake(limit: 10)
        let again = try await claimOne(poor)
        try await store.setBases([chunk.baseDigest], ofWorker: rich)
        _ = try await store.adoptLanes(workerID: rich)
        #expect(try await store.passOn([again.fence], reason: "not here") == 1)
        #expect(try await store.job(job)?.errorClass == "base_not_held")
        try await makeDeferredDue()
        _ = try await store.wake(limit: 10)
        let found = try await claimOne(rich)
        #expect(found.jobs.map(\.tries) == [0])
        #expect(try await store.publish(found.completed).completed == 1)
    }
}
