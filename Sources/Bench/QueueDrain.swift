import Postgres
import Queue
import Synchronization

/// Workers that claim and publish as real ones do, with nothing between: one connection and some lanes each.
struct QueueDrain: Sendable {
    /// How long a drain goes on.
    enum End: Sendable {
        /// Until so many jobs have been tried for the first time.
        case after(jobs: Int)
        /// So many seconds.
        case seconds(Double)
    }

    /// What a drain did.
    struct Result: Sendable {
        /// Jobs that got an outcome or failed a try.
        var jobs = 0
        /// Of them, jobs tried for the first time.
        var firstTries = 0
        /// From the start to the last publish.
        var seconds = 0.0
        /// How long each claim took that gave anything.
        var claimSeconds: [Double] = []
        /// Jobs of each second since the start.
        var eachSecond: [Int] = []

        var rate: Double { Double(jobs) / max(1e-9, seconds) }
    }

    /// What has been done so far, for others to look at.
    final class Tally: Sendable {
        let sum = Mutex(Result())
    }

    let queue: PostgresQueueStore
    let workers: [Int64]
    let lanes: [Int32]
    let jobsPerClaim: Int
    /// One in so many first tries fails; 0 none.
    let failsOneIn: Int

    /// Drains until `end`. What failed runs again when its time has come.
    func run(_ end: End, tally: Tally = Tally()) async throws -> Result {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in workers.indices {
                group.addTask { @concurrent in try await work(client, end, start, tally) }
            }
            if failsOneIn > 0 {
                group.addTask { @concurrent in
                    while !isOver(end, start, tally) {
                        _ = try await queue.wake(limit: 1000)
                        try await Task.sleep(for: .milliseconds(100))
                    }
                }
            }
            try await group.waitForAll()
        }
        return tally.sum.withLock { $0 }
    }

    private func isOver(_ end: End, _ start: ContinuousClock.Instant, _ tally: Tally) -> Bool {
        switch end {
        case .after(let jobs): tally.sum.withLock { $0.firstTries } >= jobs
        case .seconds(let limit): (ContinuousClock.now - start).seconds >= limit
        }
    }

    private func work(_ client: Int, _ end: End, _ start: ContinuousClock.Instant, _ tally: Tally) async throws {
        var schedule = LaneSchedule()
        schedule.setLanes(lanes.indices.filter { $0 % workers.count == client }.map { lanes[$0] })
        while !isOver(end, start, tally) {
            let now = (ContinuousClock.now - start).seconds
            guard var request = schedule.nextClaim(workerID: workers[client], at: now) else {
                try await Task.sleep(for: .milliseconds(2))
                continue
            }
            (request.jobBudget, request.costBudgetMilliseconds) = (Int32(jobsPerClaim), 1e9)
            let claim = try await queue.claim(request)
            let claimed = (ContinuousClock.now - start).seconds
            schedule.note(claim, of: request, at: claimed)
            var (jobs, firstTries) = (claim.endedJobs, claim.endedJobs)
            for chunks in Self.byTenant(claim.chunks) {
                let delivery = Delivery(chunks: chunks.map(\.fence), reports: chunks.flatMap(\.jobs).map(report))
                _ = try await queue.publish(delivery)
                jobs += delivery.reports.count
                firstTries += delivery.reports.count { $0.job.tries == 0 }
            }
            guard jobs > 0 else { continue }
            let done = (ContinuousClock.now - start).seconds
            tally.sum.withLock { sum in
                (sum.jobs, sum.firstTries) = (sum.jobs + jobs, sum.firstTries + firstTries)
                sum.seconds = max(sum.seconds, done)
                sum.claimSeconds.append(claimed - now)
                while sum.eachSecond.count <= Int(done) { sum.eachSecond.append(0) }
                sum.eachSecond[Int(done)] += jobs
            }
        }
    }

    /// A delivery is one tenant's, as a worker's is.
    static func byTenant(_ chunks: [ClaimedChunk]) -> [[ClaimedChunk]] {
        var groups: [[ClaimedChunk]] = []
        for chunk in chunks {
            if let index = groups.firstIndex(where: { $0[0].tenantID == chunk.tenantID }) {
                groups[index].append(chunk)
            } else {
                groups.append([chunk])
            }
        }
        return groups
    }

    private func report(_ job: ClaimedJob) -> JobReport {
        if failsOneIn > 0, job.tries == 0, (job.jobID % 1024 + job.chunkID).isMultiple(of: Int64(failsOneIn)) {
            return JobReport(job, .failed(errorClass: "bench", message: "one in \(failsOneIn)", retryable: true))
        }
        return JobReport(job, .kept(dataThrough: job.dataSeq, Self.measurements))
    }

    private static let measurements = Measurements(
        examples: 32, steps: 1, rows: 0, lossBefore: 0.6, lossAfter: 0.5, storedBytes: 0, fetchMilliseconds: 1,
        adaptMilliseconds: 2, encodeMilliseconds: 3, uploadMilliseconds: 4)
}

extension Duration {
    /// The span in seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
