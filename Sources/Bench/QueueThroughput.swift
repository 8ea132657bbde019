import Foundation
import Postgres
import Queue
import Schema

/// Rates at full load, each beside its ceiling, alternating.
extension QueueBench {
    /// The figures of throughput and of the write-ahead log.
    public func throughput() async throws -> (figures: [String: Double], bursts: [Burst]) {
        var bursts: [Burst] = []
        for round in 1...configuration.rounds {
            progress("round \(round) of \(configuration.rounds): enqueue")
            try await reset()
            for (side, script) in [
                ("insert_1000", SQL.Bench.pgbenchInsert), ("insert_1000_by_user", SQL.Bench.pgbenchInsertByUser),
            ] {
                bursts.append(
                    try plain("enqueue", side, round, script: insertScript(script), isSimple: true, each: 1000))
            }
            try await reset()
            bursts.append(try await enqueueBurst(round))
            progress("round \(round) of \(configuration.rounds): lease and complete")
            bursts += try await leaseBursts(round)
            bursts += try await drainBursts(
                "lease_complete", round, each: 100, jobs: 150_000 * configuration.burstSeconds)
            bursts += try await drainBursts("single", round, each: 1, jobs: 20_000 * configuration.burstSeconds)
            progress("round \(round) of \(configuration.rounds): publish")
            bursts += try await publishBursts(round)
        }
        func median(_ figure: String, _ side: String) -> Double {
            Self.median(bursts.filter { ($0.figure, $0.side) == (figure, side) }.map(\.rate))
        }
        /// The middle of the rounds' ratios: each round's two sides ran next to each other.
        func ratio(_ figure: String, to ceiling: String, of other: String? = nil) -> Double {
            Self.median(
                (1...configuration.rounds).map { round in
                    let ours = bursts.filter { ($0.figure, $0.side, $0.round) == (figure, "ours", round) }
                    let theirs = bursts.filter { ($0.figure, $0.side, $0.round) == (other ?? figure, ceiling, round) }
                    return Self.median(ours.map(\.rate)) / Self.median(theirs.map(\.rate))
                })
        }
        let figures = [
            "queue.enqueue.jobs_per_second": median("enqueue", "ours"),
            "queue.enqueue.insert_ceiling": median("enqueue", "insert_1000"),
            "queue.enqueue.bulk_ratio": ratio("enqueue", to: "insert_1000"),
            "queue.enqueue.bulk_ratio_by_user": ratio("enqueue", to: "insert_1000_by_user"),
            "queue.ceiling.rows_1": median("plain", "rows_1"),
            "queue.ceiling.rows_10": median("plain", "rows_10"),
            "queue.ceiling.rows_100": median("plain", "rows_100"),
            "queue.ceiling.lease_100": median("plain", "lease_100"),
            "queue.lease_complete.jobs_per_second": median("lease_complete", "ours"),
            "queue.lease_complete.pgbench_jobs_per_second": median("lease_complete", "pgbench"),
            "queue.lease_complete.ratio": ratio("lease_complete", to: "pgbench"),
            "queue.lease_complete.single_jobs_per_second": median("single", "ours"),
            "queue.lease_complete.single_ratio": ratio("single", to: "rows_1", of: "plain"),
            "queue.publish.users_per_second": median("publish", "ours"),
            "queue.publish.pgbench_users_per_second": median("publish", "pgbench"),
            "queue.publish.ratio": ratio("publish", to: "pgbench"),
        ]
        return (figures.merging(try await walPerJob()) { ours, _ in ours }, bursts)
    }

    private func plain(
        _ figure: String, _ side: String, _ round: Int, script: String, variables: [String: Int] = [:],
        isSimple: Bool = false, each: Int
    ) throws -> Burst {
        let done = try generate(
            PlainLoad(
                script: script, variables: variables, clients: configuration.clients, isSimple: isSimple,
                seconds: configuration.burstSeconds, seed: configuration.seed &+ UInt64(round)))
        return Burst(figure: figure, side: side, round: round, count: done.transactions * each, seconds: done.seconds)
    }

    /// A thousand names and payloads as they are sent with every call.
    private func insertScript(_ file: SQLFile) -> String {
        let users = (0..<1000).map { "u-\($0)" }.joined(separator: ",")
        let payloads = Array(repeating: String(repeating: "61", count: 54), count: 1000).joined(separator: ",")
        return file.text.replacing("@users@", with: users).replacing("@payloads@", with: payloads)
    }

    private func enqueueBurst(_ round: Int) async throws -> Burst {
        let payload = [UInt8](repeating: 0x61, count: 54)
        let entries = (0..<1000).map { Bulk.Entry(user: "u-\($0)", payload: payload) }
        let (queue, seconds) = (queue, Double(configuration.burstSeconds))
        let start = ContinuousClock.now
        let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
            for client in 1...configuration.clients {
                group.addTask { @concurrent in
                    var accepted = 0
                    while (ContinuousClock.now - start).seconds < seconds {
                        accepted += try await queue.enqueue(Bulk(tenant: "bench-\(client)", entries: entries)).accepted
                    }
                    return accepted
                }
            }
            return try await group.reduce(0, +)
        }
        return Burst(
            figure: "enqueue", side: "ours", round: round, count: accepted,
            seconds: (ContinuousClock.now - start).seconds)
    }

    private func leaseBursts(_ round: Int) async throws -> [Burst] {
        var bursts: [Burst] = []
        for each in [1, 10, 100] {
            try await pool.execute(
                Statement(SQL.Bench.queueSeedPlain),
                [.int32(Int32(each == 1 ? 100_000 : 300_000 * configuration.burstSeconds))])
            var burst = try plain(
                "plain", "rows_\(each)", round, script: SQL.Bench.pgbenchLeaseRows.text, variables: ["n": each],
                each: each)
            burst.count = try await number(SQL.Bench.plainOutcomes)
            bursts.append(burst)
        }
        try await pool.execute(
            Statement(SQL.Bench.queueSeedPlain), [.int32(Int32(600_000 * configuration.burstSeconds))])
        var burst = try plain("plain", "lease_100", round, script: SQL.Bench.pgbenchLeaseChunk.text, each: 100)
        burst.count = try await number(SQL.Bench.plainOutcomes)
        return bursts + [burst]
    }

    /// The queue's claim and publish through pgbench, then through the store; one tenant, everything kept.
    private func drainBursts(_ figure: String, _ round: Int, each: Int, jobs: Int) async throws -> [Burst] {
        let (workers, lanes) = (try await workers(), try await lanes())
        try await reset()
        try await seed(jobs: jobs, each: each, tenants: 1)
        try await settle()
        let variables = [
            "worker": Int(workers[0]), "first_lane": Int(lanes.min() ?? 0), "lanes": lanes.count,
            "clients": configuration.clients, "budget": configuration.jobsPerClaim,
        ]
        var theirs = try plain(
            figure, "pgbench", round, script: SQL.Bench.pgbenchClaimPublish.text, variables: variables, each: 1)
        theirs.count = try await number(SQL.Bench.queueOutcomes)
        try await reset()
        try await seed(jobs: jobs, each: each, tenants: 1)
        try await settle()
        let drain = QueueDrain(
            queue: queue, workers: workers, lanes: lanes, jobsPerClaim: configuration.jobsPerClaim, failsOneIn: 0)
        let ours = try await drain.run(.seconds(Double(configuration.burstSeconds)))
        return [
            theirs, Burst(figure: figure, side: "ours", round: round, count: ours.jobs, seconds: ours.seconds),
        ]
    }
}
