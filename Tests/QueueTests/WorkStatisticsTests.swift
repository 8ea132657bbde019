import Foundation
import Queue
import Testing

@Suite struct WorkStatisticsTests {
    @Test("a bucket holds the times from one power of two to the next, the last one all that are longer")
    func buckets() {
        let expected: [(Int32, Int)] = [
            (-5, 0), (0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1023, 10), (1024, 11), (131_071, 17), (262_143, 18),
            (262_144, 19), (.max, 19),
        ]
        for (milliseconds, bucket) in expected { #expect(LatencyHistogram.bucket(milliseconds) == bucket) }
        var histogram = LatencyHistogram()
        histogram.add(3, count: 4)
        histogram.add(-1)
        #expect(histogram.milliseconds == 12 && histogram.buckets[2] == 4 && histogram.buckets[0] == 1)
        #expect(histogram.buckets.count == LatencyHistogram.bucketCount)
    }

    @Test("shares add up to what is shared, and are within one of the exact proportion")
    func shares() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed)
        for _ in 0..<500 {
            let weights = (0..<Int.random(in: 1...6, using: &random)).map { _ in Int.random(in: 0...50, using: &random)
            }
            let count = Int.random(in: 0...200, using: &random)
            let shares = Apportionment.split(count, by: weights)
            let total = weights.reduce(0, +)
            #expect(shares.reduce(0, +) == count, "seed \(seed): \(weights) \(count)")
            guard total > 0 else { continue }
            for (share, weight) in zip(shares, weights) {
                let exact = Double(count * weight) / Double(total)
                #expect(abs(Double(share) - exact) < 1, "seed \(seed): \(weights) \(count)")
            }
        }
        #expect(Apportionment.split(3, by: [0, 0]) == [3, 0] && Apportionment.split(3, by: []).isEmpty)
    }

    /// A chunk of the flow with two jobs, claimed from a queue in memory, so that fences and jobs are real ones.
    private func chunks(_ flows: Flow...) async throws -> [ClaimedChunk] {
        let world = MemoryWorld()
        try await world.addTenant("acme", isActive: true)
        for (index, flow) in flows.enumerated() {
            for user in 0..<2 { try await world.record(4, of: "u\(index)-\(user)", tenant: "acme") }
            var bulk = Bulk(tenant: "acme", entries: (0..<2).map { .init(user: "u\(index)-\($0)") })
            bulk.flow = flow
            _ = try await world.store.enqueue(bulk)
        }
        return try await world.claimAll(try await world.worker())
    }

    private func completed(_ jobs: Int, lost: [Int64] = [], before: [Int64] = []) -> PublishReport {
        var report = PublishReport()
        (report.completed, report.lostChunks, report.publishedBefore) = (jobs, lost, before)
        return report
    }

    @Test("each flow of a delivery has its own jobs, with their examples, bytes and times")
    func flows() async throws {
        let chunks = try await chunks(.bulk, .interactive)
        let delivery = Delivery(of: chunks) { .completed(.test(through: $0.dataSeq), .test) }
        let statistics = WorkStatistics(of: delivery, chunks: chunks, outcome: completed(4))
        #expect(statistics.lines.count == 2 && statistics.jobs(.completed) == 4)
        for line in statistics.lines.values {
            #expect(line.jobs == 2 && line.examples == 8 && line.storedBytes == 128)
            #expect(line.stages.map(\.milliseconds) == [2, 4, 6, 8])
            #expect(line.stages[3].buckets[3] == 2)
        }
    }

    @Test("jobs that lost to another publish are not counted as completed, whichever flow they were of")
    func superseded() async throws {
        let chunks = try await chunks(.bulk, .interactive)
        let delivery = Delivery(of: chunks) { .completed(.test(through: $0.dataSeq), .test) }
        var outcome = completed(3)
        (outcome.superseded, outcome.retried) = (1, 1)
        let statistics = WorkStatistics(of: delivery, chunks: chunks, outcome: outcome)
        #expect(statistics.jobs(.completed) == 3 && statistics.jobs(.retried) == 1)
    }

    @Test("a lost chunk counts nothing, one whose reply was lost counts as reported")
    func lostAndRepeated() async throws {
        let chunks = try await chunks(.bulk, .bulk)
        let delivery = Delivery(of: chunks) { .completed(.test(through: $0.dataSeq), .test) }
        let lost = WorkStatistics(of: delivery, chunks: chunks, outcome: completed(2, lost: [chunks[0].fence.chunkID]))
        #expect(lost.jobs(.completed) == 2 && lost.lines.count == 1)
        let again = WorkStatistics(
            of: delivery, chunks: chunks, outcome: completed(0, before: chunks.map(\.fence.chunkID)))
        #expect(again.jobs(.completed) == 4)
    }
}
