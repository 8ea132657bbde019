import Queue
import Testing

extension QueueWorld {
    func checkFigures() async throws {
        let worker = try await worker()
        _ = try await enqueueBulk(6)
        let chunk = try await claimOne(worker)
        // One of each: completed, kept, discarded, runs again by its report, and left out of the delivery.
        let delivery = chunk.delivery { job in
            switch (job.jobID - chunk.jobs[0].jobID) % 6 {
            case 0, 1: .completed(.test(through: job.dataSeq), .test)
            case 2: .kept(dataThrough: job.dataSeq, .test)
            case 3: .failed(errorClass: "bad", message: "", retryable: false)
            default: .snoozed(seconds: 60, reason: "later")
            }
        }
        let outcome = try await store.publish(delivery)
        let counted = WorkStatistics(of: delivery, chunks: [chunk], outcome: outcome)
        let report = StatisticsReport(workerID: worker, beat: 1, statistics: counted)
        try await store.record(report)
        try await store.record(report)
        let once: [WorkStatistics.Ending: Int64] = [.completed: 2, .kept: 1, .discarded: 1, .retried: 2]
        #expect(try await reported() == once)
        try await store.record(StatisticsReport(workerID: worker, beat: 2, statistics: counted))
        #expect(try await reported() == once.mapValues { $0 * 2 })

        // What ends in the claim itself is told by the claim.
        _ = try await store.enqueue(NewJob(tenant: "acme", user: "u0"))
        var merged = WorkStatistics()
        for lane in lanes { merged.add(try await store.claim(ClaimRequest(workerID: worker, lane: lane)).statistics) }
        #expect(merged.jobs(.covered) == 1 && merged.lines.count == 1)
    }
}
