import Postgres
import Queue
import Schema
import Synchronization

/// Whether the queue is as fast with much waiting as with little, the third time as the first, and while something keeps
/// dead rows from being removed: each a ratio of two rates of the same run.
extension QueueBench {
    /// The shape of the jobs that a flatness figure is about.
    public enum Shape: String, Sendable, CaseIterable {
        /// Chunks of a hundred.
        case chunks
        /// Chunks of one.
        case single

        var each: Int { self == .chunks ? 100 : 1 }
        var prefix: String { self == .chunks ? "queue.flat." : "queue.flat.single." }
    }

    /// Rates at a small and a large backlog and over three drains in a row, with the backlog of `sizes` in addition.
    ///
    /// The slowest large drain is held against the faster small one: a slow first drain, as of a connection whose plans are of
    /// an empty table, must not hide behind two later ones.
    public func flatness(_ shape: Shape, long: Bool) async throws -> (figures: [String: Double], bursts: [Burst]) {
        var bursts: [Burst] = []
        let drain = try await begin(shape)
        func note(_ side: String, _ round: Int, _ result: QueueDrain.Result) {
            bursts.append(
                Burst(
                    figure: "flat.\(shape)", side: side, round: round, count: result.jobs, seconds: result.seconds))
        }
        func small(_ round: Int) async throws -> Double {
            progress("\(shape): \(configuration.smallBacklog) waiting")
            let lots = 10
            var sum = QueueDrain.Result()
            for _ in 0..<lots {
                try await seed(jobs: configuration.smallBacklog, each: shape.each, tenants: configuration.tenants)
                let lot = try await drain.run(.after(jobs: configuration.smallBacklog))
                (sum.jobs, sum.seconds) = (sum.jobs + lot.jobs, sum.seconds + lot.seconds)
            }
            note("small", round, sum)
            return sum.rate
        }
        /// A drain of everything, or of a fixed part where everything would take minutes.
        func large(_ jobs: Int, _ side: String, _ round: Int) async throws -> QueueDrain.Result {
            progress("\(shape): drain \(round) of \(jobs) waiting")
            let drained = shape == .single ? min(jobs, configuration.singleDrain) : min(jobs, configuration.backlog)
            let missing = round == 1 || drained == jobs ? jobs : drained
            try await seed(jobs: missing, each: shape.each, tenants: configuration.tenants)
            let result = try await drain.run(.after(jobs: drained))
            note(side, round, result)
            return result
        }
        var smallRates = [try await small(1)]
        var drains: [QueueDrain.Result] = []
        for round in 1...3 { drains.append(try await large(configuration.backlog, "large", round)) }
        try await reset()
        try await seedBeside(shape)
        smallRates.append(try await small(2))
        let prefix = shape.prefix
        var figures = [
            "\(prefix)backlog_\(Self.short(configuration.backlog))": drains.map(\.rate).reduce(.infinity, min)
                / smallRates.reduce(0, max),
            name("third_drain", of: shape): drains[2].rate / drains[0].rate,
            "\(prefix)jobs_per_second": Self.median(drains.map(\.rate)),
            "\(prefix)claim_p99_ms": 1000 * Self.quantile(0.99, of: drains.flatMap(\.claimSeconds)),
        ]
        if long {
            let rate = try await large(configuration.longBacklog, "long", 1).rate
            figures["\(prefix)backlog_\(Self.short(configuration.longBacklog))"] = rate / smallRates.reduce(0, max)
        }
        return (figures, bursts)
    }

    /// Rates at the start and the end of a minute in which a transaction keeps every dead row, and of one before and one after
    /// it in which none does: their mean is the control, so that what changes with time alone cancels. Producers keep up with
    /// the workers in all.
    public func pinned(_ shape: Shape) async throws -> (figures: [String: Double], bursts: [Burst]) {
        var bursts: [Burst] = []
        var controls: [Double] = []
        var (pinnedStart, pinnedEnd) = (0.0, 0.0)
        for (round, isPinned) in [false, true, false].enumerated() {
            let drain = try await begin(shape)
            progress("\(shape): \(configuration.pinnedSeconds) s \(isPinned ? "with" : "without") a pinned horizon")
            let result =
                isPinned
                ? try await pool.withTransaction(.repeatableRead) { connection in
                    try await connection.execute(Statement(SQL.Bench.pinHorizon))
                    return try await steady(drain, shape)
                } : try await steady(drain, shape)
            let end = Double(result.eachSecond.dropLast(1).suffix(5).reduce(0, +))
            if isPinned {
                (pinnedStart, pinnedEnd) = (Double(result.eachSecond.dropFirst(2).prefix(5).reduce(0, +)), end)
            } else {
                controls.append(end)
            }
            bursts.append(
                Burst(
                    figure: "flat.\(shape)", side: isPinned ? "pinned" : "control", round: round + 1,
                    count: result.jobs, seconds: result.seconds))
        }
        let figures = [
            name("pinned_xmin", of: shape): pinnedEnd / pinnedStart,
            name("pinned_control", of: shape): pinnedEnd * Double(controls.count) / controls.reduce(0, +),
        ]
        return (figures, bursts)
    }

    /// A figure of smaller sizes than the published ones says so in its name: it is another figure.
    private func name(_ figure: String, of shape: Shape) -> String {
        let published = Configuration()
        let size =
            figure.hasPrefix("pinned")
            ? (configuration.pinnedSeconds == published.pinnedSeconds ? "" : "_\(configuration.pinnedSeconds)s")
            : (configuration.backlog == published.backlog ? "" : "_\(Self.short(configuration.backlog))")
        return shape.prefix + figure + size
    }

    /// 1000000 as `1m`, 200000 as `200k`.
    private static func short(_ count: Int) -> String {
        count.isMultiple(of: 1_000_000)
            ? "\(count / 1_000_000)m" : count.isMultiple(of: 1000) ? "\(count / 1000)k" : "\(count)"
    }

    /// Drains while another task fills up what the workers take, in lots so small that five seconds see many of them.
    private func steady(_ drain: QueueDrain, _ shape: Shape) async throws -> QueueDrain.Result {
        let lot = shape == .chunks ? 10_000 : 1000
        let backlog = 10 * lot
        let seconds = Double(configuration.pinnedSeconds)
        try await seed(jobs: backlog, each: shape.each, tenants: configuration.tenants)
        let tally = QueueDrain.Tally()
        return try await withThrowingTaskGroup(of: QueueDrain.Result?.self) { group in
            group.addTask { @concurrent in try await drain.run(.seconds(seconds), tally: tally) }
            group.addTask { @concurrent in
                var seeded = backlog
                while !Task.isCancelled {
                    if seeded - tally.sum.withLock({ $0.firstTries }) < backlog {
                        try await seed(jobs: lot, each: shape.each, tenants: configuration.tenants)
                        seeded += lot
                    } else {
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            return QueueDrain.Result()
        }
    }

    /// Empty queues with what lies beside them, and the workers.
    private func begin(_ shape: Shape) async throws -> QueueDrain {
        try await reset()
        try await seedBeside(shape)
        return QueueDrain(
            queue: queue, workers: try await workers(), lanes: try await lanes(),
            jobsPerClaim: configuration.jobsPerClaim, failsOneIn: configuration.failsOneIn)
    }

    private func seedBeside(_ shape: Shape) async throws {
        let (tenants, parked) = (configuration.tenants, configuration.parkedChunks)
        try await seed(jobs: configuration.deferred, each: shape.each, tenants: tenants, state: 2)
        try await seed(jobs: parked * shape.each, each: shape.each, tenants: tenants, state: 3)
        try await settle()
    }
}
