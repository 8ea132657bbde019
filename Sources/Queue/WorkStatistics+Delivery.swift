extension WorkStatistics {
    /// What a delivery came to, by the flows of its chunks.
    ///
    /// The publish tells sums over the delivery. Where they agree with what was reported, each flow has its own jobs;
    /// jobs that ended otherwise than reported (superseded, erased) are spread over flows in proportion. Chunks that an
    /// earlier publish with a lost reply had closed count as reported; chunks that were lost count nothing.
    public init(of delivery: Delivery, chunks: [ClaimedChunk], outcome: PublishReport) {
        let lost = Set(outcome.lostChunks)
        let before = Set(outcome.publishedBefore)
        var parts = Parts()
        var told = outcome
        let byChunk = Dictionary(grouping: delivery.reports, by: \.job.chunkID)
        for chunk in chunks where !lost.contains(chunk.fence.chunkID) {
            let reports = byChunk[chunk.fence.chunkID] ?? []
            let part = Part(chunk, reports)
            parts.add(part)
            guard before.contains(chunk.fence.chunkID) else { continue }
            told.completed += Int(part.lines[.completed]?.jobs ?? 0)
            told.kept += Int(part.lines[.kept]?.jobs ?? 0)
            told.discarded += Int(part.lines[.discarded]?.jobs ?? 0)
            told.retried += Int(part.lines[.retried]?.jobs ?? 0) + chunk.jobs.count - reports.count
        }
        for (ending, count) in [
            (Ending.completed, told.completed), (.kept, told.kept), (.discarded, told.discarded),
            (.retried, told.retried), (.cancelled, told.erased),
        ] { parts.spread(count, ending).forEach { add($0.line, $0.key) } }
    }
}

/// One chunk's jobs as they were reported.
private struct Part {
    let flow: WorkStatistics.Key
    /// What was reported to end so. Whether a failure ends a job or costs a try is the store's to say: it is in both.
    var lines: [WorkStatistics.Ending: WorkStatistics.Line] = [:]
    var jobs: Int

    init(_ chunk: ClaimedChunk, _ reports: [JobReport]) {
        flow = .init(tenantID: chunk.tenantID, flowID: chunk.flowID, kind: chunk.kind, ending: .retried)
        jobs = chunk.jobs.count
        for report in reports {
            switch report.result {
            case .completed(_, let measurements), .done(_, let measurements):
                lines[.completed, default: .init()].count(measurements)
            case .kept(_, let measurements): lines[.kept, default: .init()].count(measurements)
            case .failed(_, _, let isRetryable):
                lines[.discarded, default: .init()].jobs += isRetryable ? 0 : 1
                lines[.retried, default: .init()].jobs += isRetryable ? 1 : 0
            case .snoozed, .handedBack: lines[.retried, default: .init()].jobs += 1
            }
        }
    }
}

/// The parts of a delivery by flow.
private struct Parts {
    private var flows: [WorkStatistics.Key: Part] = [:]

    mutating func add(_ part: Part) {
        guard var sum = flows[part.flow] else { return flows[part.flow] = part }
        for (ending, line) in part.lines { sum.lines[ending, default: .init()] += line }
        sum.jobs += part.jobs
        flows[part.flow] = sum
    }

    /// `count` jobs of an ending, as reported where that agrees, else in proportion to what was reported or, where
    /// nothing was, to the jobs there are.
    func spread(_ count: Int, _ ending: WorkStatistics.Ending) -> [(key: WorkStatistics.Key, line: WorkStatistics.Line)]
    {
        let keys = flows.keys.sorted { $0.flowID < $1.flowID }
        let reported = keys.map { Int(flows[$0]?.lines[ending]?.jobs ?? 0) }
        let weights = reported.contains { $0 > 0 } ? reported : keys.map { flows[$0]?.jobs ?? 0 }
        let shares = Apportionment.split(count, by: weights)
        return keys.indices.map { index in
            var key = keys[index]
            key.ending = ending
            var line = flows[keys[index]]?.lines[ending] ?? .init()
            line.scale(to: Int64(shares[index]))
            return (key, line)
        }
    }
}

extension WorkStatistics.Line {
    fileprivate mutating func count(_ measurements: Measurements) {
        jobs += 1
        examples += Int64(measurements.examples)
        storedBytes += Int64(measurements.storedBytes)
        stages[0].add(measurements.fetchMilliseconds)
        stages[1].add(measurements.adaptMilliseconds)
        stages[2].add(measurements.encodeMilliseconds)
        stages[3].add(measurements.uploadMilliseconds)
    }

    /// The same jobs on the whole, but so many. Times stay those of all that were reported: they took place.
    fileprivate mutating func scale(to count: Int64) {
        if count != jobs, jobs > 0 {
            examples = examples * count / jobs
            storedBytes = storedBytes * count / jobs
        }
        jobs = count
    }
}

/// Whole shares of a whole number.
package enum Apportionment {
    /// Shares in proportion to `weights` that add up to `count`, by largest remainders (Hamilton's method); all on the
    /// first where every weight is 0. Of an empty list, none.
    package static func split(_ count: Int, by weights: [Int]) -> [Int] {
        let total = weights.reduce(0, +)
        guard total > 0 else { return weights.indices.map { $0 == 0 ? count : 0 } }
        var shares = weights.map { count * $0 / total }
        let byRemainder = weights.indices.sorted { one, other in
            (count * weights[other] % total, one) < (count * weights[one] % total, other)
        }
        for index in byRemainder.prefix(count - shares.reduce(0, +)) { shares[index] += 1 }
        return shares
    }
}
