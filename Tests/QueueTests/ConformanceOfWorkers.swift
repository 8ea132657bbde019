import Queue
import Testing

extension QueueWorld {
    func checkPaused() async throws {
        _ = try await enqueueBulk(1)
        let worker = try await worker()
        let chunk = try await claimOne(worker)
        _ = try await enqueueBulk(1)
        _ = try await store.adoptLanes(workerID: worker)
        #expect(try await store.setState(.paused, ofWorker: worker))
        #expect(await errorClass { _ = try await claimAll(worker) } == "worker_gone")
        let orders = try await store.heartbeat(Heartbeat(workerID: worker, progress: 1, jobsInHand: 1))
        #expect((orders.state, orders.lanes) == (.paused, []))
        #expect(try await store.adoptLanes(workerID: worker) == 0)
        #expect(try await store.publish(chunk.completed).completed == 1)
        #expect(try await store.setState(.active, ofWorker: worker))
        #expect(try await store.adoptLanes(workerID: worker) == lanes.count)
        #expect(try await claimAll(worker).count == 1)
        #expect(try await store.setState(.draining, ofWorker: worker))
        #expect(try await store.setState(.active, ofWorker: worker) == false, "a drain is not taken back")
    }

    func checkSpeed() async throws {
        let worker = try await worker()
        func beat(_ estimated: Double, busy: Double, span: Double) async throws -> Float? {
            let share = WorkDone.Share(
                tenantID: 1, kind: "adapt", estimatedMilliseconds: estimated, tookMilliseconds: busy)
            let work = WorkDone(spanMilliseconds: span, busyMilliseconds: busy, shares: [share])
            return try await store.heartbeat(Heartbeat(workerID: worker, progress: 1, jobsInHand: 1, work: work)).speed
        }
        #expect(try await store.heartbeat(Heartbeat(workerID: worker, progress: 0, jobsInHand: 0)).speed == nil)
        #expect(try await beat(100, busy: 1000, span: 5000) == nil, "mostly idle")
        #expect(try await beat(10_000, busy: 5000, span: 5000) == 2)
        let smoothed = try #require(try await beat(2500, busy: 5000, span: 5000))
        #expect(smoothed > 0.5 && smoothed < 2)
        let idle = try await store.heartbeat(Heartbeat(workerID: worker, progress: 2, jobsInHand: 0)).speed
        #expect(idle == smoothed)
        let stopped = try #require(try await beat(500, busy: 60_000, span: 60_000))
        #expect(stopped < 0.1, "a minute outweighs all before")
    }

    func checkSamples() async throws {
        let worker = try await worker()
        for user in 0..<3 {
            try await record(4, of: "u\(user)", tenant: "acme")
            var bulk = Bulk(tenant: "acme", entries: [.init(user: "u\(user)")])
            bulk.costMilliseconds = 20
            _ = try await store.enqueue(bulk)
        }
        let start = Dictionary(uniqueKeysWithValues: lanes.map { ($0, LaneMark.start) })
        let before = try await store.sampleLanes(workerID: worker, marks: start)
        #expect(before.map(\.lane) == lanes.sorted())
        #expect(before.reduce(0) { $0 + $1.waiting } == 3)
        #expect(before.reduce(0) { $0 + $1.costMilliseconds } == 60)
        #expect(before.allSatisfy { $0.isExact })
        let full = try #require(before.first { $0.waiting > 0 }).lane
        let claim = try await store.claim(ClaimRequest(workerID: worker, lane: full))
        #expect(claim.chunks.count == 1)
        let after = try await store.sampleLanes(workerID: worker, marks: [full: claim.mark])
        #expect(after == [LaneSample(lane: full, waiting: 0, costMilliseconds: 0, isExact: true)])
        // Nothing has waited for long: nobody needs help.
        #expect(try await store.lanesToHelp(workerID: worker, limit: 4).isEmpty)
    }
}
