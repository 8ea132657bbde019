import Foundation
import Postgres
import Queue
import Schema

/// Publishing revisions, with the claims made beforehand; and what a job writes to the log.
extension QueueBench {
    func publishBursts(_ round: Int) async throws -> [Burst] {
        let (workers, users) = (try await workers(), configuration.users)
        try await reset()
        try await seed(jobs: users, each: 100, tenants: 1)
        let deliveries = try await number(
            SQL.Bench.queueClaimAll, [.int64(workers[0]), .int32(Int32(configuration.jobsPerClaim))])
        try await settle()
        let done = try generate(
            PlainLoad(
                script: SQL.Bench.pgbenchPublish.text, variables: ["i": 0, "clients": configuration.clients],
                clients: configuration.clients,
                transactions: (deliveries + configuration.clients - 1) / configuration.clients,
                seed: configuration.seed))
        let theirs = Burst(
            figure: "publish", side: "pgbench", round: round, count: try await number(SQL.Bench.queueOutcomes),
            seconds: done.seconds)

        try await reset()
        try await seed(jobs: users, each: 100, tenants: 1)
        let claimed = try await claimEverything(workers[0])
        try await settle()
        let (queue, clients) = (queue, configuration.clients)
        let start = ContinuousClock.now
        let published = try await withThrowingTaskGroup(of: Int.self) { group in
            for client in 0..<clients {
                group.addTask { @concurrent in
                    var published = 0
                    for delivery in stride(from: client, to: claimed.count, by: clients) {
                        published += try await queue.publish(Self.delivery(claimed[delivery])).completed
                    }
                    return published
                }
            }
            return try await group.reduce(0, +)
        }
        let seconds = (ContinuousClock.now - start).seconds
        return [theirs, Burst(figure: "publish", side: "ours", round: round, count: published, seconds: seconds)]
    }

    private func claimEverything(_ worker: Int64) async throws -> [[ClaimedChunk]] {
        var claimed: [[ClaimedChunk]] = []
        for lane in try await lanes() {
            var request = ClaimRequest(workerID: worker, lane: lane)
            (request.jobBudget, request.costBudgetMilliseconds) = (Int32(configuration.jobsPerClaim), 1e9)
            while case let result = try await queue.claim(request), !result.chunks.isEmpty {
                claimed.append(result.chunks)
                request.mark = result.mark
            }
        }
        return claimed
    }

    /// Every user of these chunks with a revision of 96 bytes.
    private static func delivery(_ chunks: [ClaimedChunk]) -> Delivery {
        let digest = [UInt8](repeating: 7, count: 32)
        let measurements = Measurements(
            examples: 32, steps: 1, rows: 256, lossBefore: 0.6, lossAfter: 0.5, storedBytes: 96, fetchMilliseconds: 1,
            adaptMilliseconds: 2, encodeMilliseconds: 3, uploadMilliseconds: 4)
        let reports = chunks.flatMap(\.jobs).enumerated().map { place, job in
            let draft = RevisionDraft(
                dataThrough: job.dataSeq, offset: Int32(place * 96), length: 96, sha256: digest)
            return JobReport(job, .completed(draft, measurements))
        }
        let key = "bench/\(chunks[0].fence.keyPart)-\(String(repeating: "07", count: 32))"
        return Delivery(
            chunks: chunks.map(\.fence), reports: reports,
            object: DeliveredObject(key: key, sha256: digest, byteCount: 100_000))
    }

    /// Bytes of the write-ahead log a job, enqueue to outcome; full-page images are counted apart.
    func walPerJob() async throws -> [String: Double] {
        progress("bytes of write-ahead log")
        let (workers, lanes) = (try await workers(), try await lanes())
        try await reset()
        try await settle()
        let entries = (0..<1000).map { Bulk.Entry(user: "u-\($0)", payload: [UInt8](repeating: 0x61, count: 54)) }
        let start = try await walPosition()
        for tenant in 1...20 { _ = try await queue.enqueue(Bulk(tenant: "bench-\(tenant)", entries: entries)) }
        let enqueued = try await walPosition()
        let drain = QueueDrain(
            queue: queue, workers: workers, lanes: lanes, jobsPerClaim: configuration.jobsPerClaim, failsOneIn: 0)
        let jobs = try await drain.run(.after(jobs: 20_000)).jobs
        let (enqueue, enqueueImages) = try await walBytes(from: start, to: enqueued)
        let (drained, drainImages) = try await walBytes(from: enqueued, to: try await walPosition())
        return [
            "queue.wal_bytes_per_job": Double(enqueue + drained) / Double(jobs),
            "queue.wal_bytes_per_job.enqueue": Double(enqueue) / Double(jobs),
            "queue.wal_image_bytes_per_job": Double(enqueueImages + drainImages) / Double(jobs),
        ]
    }

    /// Claims commit without waiting for the log: it is flushed first.
    private func walPosition() async throws -> String {
        try await pool.execute(Statement(SQL.Bench.flushWal))
        return try await pool.execute(Statement(SQL.Bench.walPosition)).one().decode(0)
    }

    private func walBytes(from start: String, to end: String) async throws -> (records: Int64, images: Int64) {
        let row = try await pool.execute(Statement(SQL.Bench.walBetween), [.text(start), .text(end)]).one()
        return (try row.decode(0), try row.decode(1))
    }
}
