import Foundation
import Postgres
import Problem
import Queue
import Schema
import Tensor

extension FairnessBench {
    /// Single jobs of another tenant and of the campaign's own, in turn, while its million jobs are worked on: seconds
    /// from the call that enqueues one to the reply of the claim that takes it.
    func latency(tenant: String, cost: Float) async throws -> (other: Row, own: Row) {
        let other = "\(tenant)-other"
        try await makeTenant(tenant, users: 50_000)
        try await makeTenant(other, users: 1000)
        try await fill(tenant, .campaign, jobs: configuration.campaignJobs, cost: cost)
        return try await withWorkers {
            var random = RandomSource(seed: configuration.seed)
            try await Task.sleep(for: .seconds(2))
            var sent: [(isOther: Bool, job: Int64, at: ContinuousClock.Instant)] = []
            for index in 0..<(2 * configuration.tries) {
                var job = NewJob(tenant: index % 2 == 0 ? other : tenant, user: "u-\(index % 1000 + 1)")
                job.costMilliseconds = 1
                let start = ContinuousClock.now
                sent.append((index % 2 == 0, try await queue.enqueue(job), start))
                try await Task.sleep(for: .milliseconds(40 + 50 * Double(random.uniform())))
            }
            let left = try await waiting(tenant)
            let end = ContinuousClock.now + .seconds(60)
            while sent.contains(where: { log.claimedAt($0.job) == nil }) {
                guard ContinuousClock.now < end else {
                    throw Problem(
                        "bench_job_lost", at: tenant, "a single job was not claimed within a minute.",
                        do: "look at attune.jobs in the bench's database.")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            guard left > 0 else {
                throw Problem(
                    "bench_too_small", at: tenant, "the campaign ended before the single jobs did.",
                    do: "give it more jobs.")
            }
            try await pool.execute(Statement(SQL.Bench.fairClear), [.text(tenant)])
            func row(_ isOther: Bool) -> Row {
                let times = sent.compactMap { call in
                    call.isOther == isOther ? log.claimedAt(call.job).map { ($0 - call.at).inSeconds } : nil
                }.sorted()
                return Row(
                    part: "\(isOther ? "another tenant's" : "its own") single jobs, \(cost) ms a campaign's job",
                    count: times.count, median: times[times.count / 2],
                    p99: times[min(times.count - 1, Int((Double(times.count) * 0.99).rounded(.up)) - 1)], waiting: left)
            }
            return (row(true), row(false))
        }
    }

    /// The share of a flow of weight 3 beside one of weight 1, both with work waiting all the time.
    func share(light: Int, heavy: Int) async throws -> Row {
        let names = ["light-\(light)", "heavy-\(heavy)"]
        for (name, weight) in zip(names, [1.0, 3.0]) {
            try await makeTenant(name, users: 50_000)
            try await TenantLimits(pool).setWeight(weight, of: .bulk, tenant: name)
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, producers) in zip(names, [light, heavy]) {
                for index in 0..<producers { group.addTask { try await produce(name, index, of: producers) } }
            }
            // Both have something waiting before the first is served.
            try await Task.sleep(for: .seconds(configuration.shareSeconds / 4))
            let row = try await withWorkers {
                try await Task.sleep(for: .seconds(configuration.shareSeconds / 4))
                let before = names.map(log.jobsClaimed)
                try await Task.sleep(for: .seconds(configuration.shareSeconds))
                let jobs = zip(names.map(log.jobsClaimed), before).map { $0 - $1 }
                var left: [Int] = []
                for name in names { left.append(try await waiting(name)) }
                guard left.allSatisfy({ $0 > 0 }) else {
                    throw Problem(
                        "bench_producers_slow", at: names[left[0] == 0 ? 0 : 1], "nothing of it waited at the end.",
                        do: "measure on a machine that does nothing else.")
                }
                return Row(
                    part: "share of weight 3, \(heavy) producers, beside weight 1, \(light) producers",
                    count: jobs[0] + jobs[1], median: Double(jobs[1]) / Double(jobs[0] + jobs[1]), waiting: left.min())
            }
            group.cancelAll()
            while true {
                do { guard try await group.next() != nil else { break } } catch  where Self.isCancellation(error) {}
            }
            for name in names { try await pool.execute(Statement(SQL.Bench.fairClear), [.text(name)]) }
            return row
        }
    }

    /// Enqueues single jobs of 16 ms, 240 a second over all producers of a tenant: about what the workers get done.
    private func produce(_ tenant: String, _ index: Int, of producers: Int) async throws {
        var next = index
        let start = ContinuousClock.now
        var sent = 0
        while !Task.isCancelled {
            var job = NewJob(tenant: tenant, user: "u-\(next % 50_000 + 1)")
            (job.flow, job.costMilliseconds) = (.bulk, 16)
            _ = try await queue.enqueue(job)
            next += producers
            sent += 1
            try await Task.sleep(until: start + .seconds(Double(sent * producers) / 240))
        }
    }

    /// Jobs a second of a tenant capped at one chunk's jobs over what that cap allows, and of its neighbour over what the
    /// other workers can do: half a millisecond a job.
    func caps() async throws -> (capped: Double, others: Double, rows: [Row]) {
        let (capped, free, cost) = ("capped", "free", Float(0.5))
        for name in [capped, free] { try await makeTenant(name, users: 50_000) }
        let work = Double(configuration.workers) * 1.2 * configuration.capSeconds * 1000  // milliseconds
        let jobs = Int(work / Double(cost)) * 2 / 100 * 100
        try await fill(free, .bulk, jobs: jobs, cost: cost)
        return try await withWorkers {
            func rates() async throws -> [Double] {
                try await Task.sleep(for: .seconds(3))
                let (start, before) = (ContinuousClock.now, [capped, free].map(log.jobsEnded))
                try await Task.sleep(for: .seconds(configuration.capSeconds))
                let seconds = (ContinuousClock.now - start).inSeconds
                return zip([capped, free].map(log.jobsEnded), before).map { Double($0 - $1) / seconds }
            }
            let alone = try await rates()
            try await TenantLimits(pool).set(TenantLimit(tenant: capped, maxRunning: 100))
            try await fill(capped, .bulk, jobs: jobs, cost: cost)
            let both = try await rates()
            for name in [capped, free] { try await pool.execute(Statement(SQL.Bench.fairClear), [.text(name)]) }
            let ideal = 1000 / Double(cost)
            return (
                both[0] / min(ideal, alone[1]), both[1] / max(1, alone[1] - both[0]),
                [
                    Row(part: "neighbour alone, jobs a second", count: Int(alone[1]), median: alone[1]),
                    Row(part: "capped at 100 running jobs, jobs a second", count: Int(both[0]), median: both[0]),
                    Row(part: "its neighbour, jobs a second", count: Int(both[1]), median: both[1]),
                ]
            )
        }
    }
}
