import ArgumentParser
import Bench
import Embedded
import Foundation
import Postgres
import Problem
import Queue
import UnixSignals

extension BenchCommand {
    /// The lane plan on made-up fleets, and timed work on real processes.
    struct Scheduler: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How good the plans of lanes are, how fast they are made, and how even real workers finish.",
            discussion: """
                PARTS:
                  plan   plans for 10,000 workers and 100,000 lanes: time, finish over the best possible, moves
                  real   worker processes on work that takes its cost in time, one slowed eightfold, with and without
                         a scheduler; starts a private PostgreSQL (fsync on) under a temporary folder and removes it
                  fair   single jobs beside a campaign of a million, shares of weights, a capped tenant and its
                         neighbour; on a private PostgreSQL as well
                  start  seconds from the start of an `attune worker` to its first claim, its base in the page cache

                EXAMPLES:
                  attune bench scheduler --json
                  attune bench scheduler --quick --part plan
                """)

        enum Part: String, ExpressibleByArgument, CaseIterable { case plan, real, fair, start }

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "A part to run, repeatable; all without it.") var part: [Part] = []
        @Option(help: "Seed of speeds and costs.") var seed: UInt64 = 1
        @Flag(help: "A tenth of the fleet and of the work, for a first look.") var quick = false

        private struct Config: Encodable {
            var plan: PlanBench.Configuration
            var real: ScheduleBench.Configuration
            var fair: FairnessBench.Configuration
            var parts: [String]
        }

        struct Tables: Encodable {
            var plans: [PlanBench.Row] = []
            var shares: [ScheduleBench.Share] = []
            var fairness: [FairnessBench.Row] = []
        }

        func run() async throws {
            var (plan, real) = (PlanBench.Configuration(), ScheduleBench.Configuration())
            plan.seed = seed
            let fair = fairness()
            if quick {
                (plan.workers, plan.lanes, plan.repeats) = (1000, 10_000, 3)
                (real.idealSeconds, real.unbalancedIdealSeconds) = (20, 2)
            }
            let parts = part.isEmpty ? Part.allCases : part
            var (figures, tables): ([String: Double], Tables) = ([:], Tables())
            if parts.contains(.plan) { planned(plan, &figures, &tables) }
            if parts.contains(.real) { try await worked(real, &figures, &tables) }
            if parts.contains(.fair) { try await judge(fair, &figures, &tables) }
            if parts.contains(.start) { figures["scheduler.start_to_first_job_seconds"] = try await started() }
            let report = try MeasurementReport(
                config: Config(plan: plan, real: real, fair: fair, parts: parts.map(\.rawValue)), figures: figures,
                tables: tables)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
            show(tables)
            show(tables.fairness)
        }

        private func planned(
            _ configuration: PlanBench.Configuration, _ figures: inout [String: Double], _ tables: inout Tables
        ) {
            var bench = PlanBench(configuration)
            let (rows, ticks) = bench.run()
            tables.plans = rows
            figures["scheduler.plan_ms"] = rows.map(\.milliseconds).max()
            figures["scheduler.makespan_ratio"] = rows.map(\.after).max()
            let moving = rows.filter { $0.least > 0 }
            figures["scheduler.moves_ratio"] = moving.map { Double($0.moves) / Double($0.least) }.max()
            figures["scheduler.loss_ticks"] = Double(ticks)
        }

        private func worked(
            _ configuration: ScheduleBench.Configuration, _ figures: inout [String: Double], _ tables: inout Tables
        ) async throws {
            try await PrivateServices.withDatabase(connections: 2) { folder, conninfo, pool in
                let bench = ScheduleBench(configuration, pool: pool)
                try await bench.prepare()
                for isBalanced in [false, true] {
                    let crew = try start(configuration, conninfo, folder, hasScheduler: isBalanced)
                    defer { crew.forEach { $0.terminate() } }
                    Terminal.note(
                        isBalanced
                            ? "timed work, lanes planned by a scheduler" : "timed work, lanes as adopted at first")
                    let (ratio, shares) = try await bench.round(isBalanced: isBalanced)
                    figures[isBalanced ? "scheduler.real.makespan_ratio" : "scheduler.real.unbalanced_ratio"] = ratio
                    tables.shares += shares
                    crew.forEach { $0.terminate() }
                    for process in crew {
                        while ProcessTable.isRunning(process.processIdentifier) {
                            try await Task.sleep(for: .milliseconds(20))
                        }
                    }
                }
            }
        }

        private func start(
            _ configuration: ScheduleBench.Configuration, _ conninfo: String, _ folder: String, hasScheduler: Bool
        ) throws -> [Process] {
            let scheduler =
                try hasScheduler
                ? [
                    ProcessFamily.launch(
                        ["scheduler", "--dsn", conninfo, "--store", "\(folder)/objects"], log: "\(folder)/scheduler.log"
                    )
                ] : []
            return try scheduler
                + configuration.speeds.enumerated().map { index, speed in
                    try ProcessFamily.launch(
                        [
                            "bench", "timed-worker", "--dsn", conninfo, "--name", "t\(index + 1)", "--speed",
                            "\(speed)",
                            "--heartbeat", "\(configuration.heartbeatSeconds)",
                        ], log: "\(folder)/timed-\(index).log")
                }
        }

        private func show(_ tables: Tables) {
            var plans = TextTable(
                .init(title: "PLAN"), .init(title: "ms", alignment: .right), .init(title: "BEFORE", alignment: .right),
                .init(title: "AFTER", alignment: .right), .init(title: "MOVES", alignment: .right),
                .init(title: "LEAST", alignment: .right), .init(title: "BINDS"))
            for row in tables.plans {
                plans.rows.append([
                    row.situation, Figures.fixed(row.milliseconds, 1), Figures.fixed(row.before, 3),
                    Figures.fixed(row.after, 3), String(row.moves), String(row.least), row.binds,
                ])
            }
            var shares = TextTable(
                .init(title: "ROUND"), .init(title: "WORKER"), .init(title: "JOBS", alignment: .right),
                .init(title: "UNTIL", alignment: .right), .init(title: "SPEED", alignment: .right))
            for share in tables.shares {
                shares.rows.append([
                    share.round, share.worker, String(share.jobs), "\(Figures.fixed(share.seconds, 1)) s",
                    share.speed.map { Figures.fixed(Double($0), 3) } ?? "–",
                ])
            }
            for table in [plans, shares] where !table.rows.isEmpty {
                Terminal.output("")
                table.lines(width: Terminal.width).forEach(Terminal.output)
            }
        }
    }

    /// One process of the part `real`.
    struct TimedWorkerCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "timed-worker", abstract: "Work that takes its cost in time; started by bench scheduler.",
            shouldDisplay: false)

        @OptionGroup var connection: DatabaseOptions
        @Option(help: "Name shown in status.") var name: String
        @Option(help: "Reference milliseconds done a millisecond.") var speed: Double
        @Option(help: "Seconds between heartbeats.") var heartbeat = 5.0

        func validate() throws {
            guard speed > 0, heartbeat > 0 else { throw ValidationError("--speed and --heartbeat must be above 0.") }
        }

        func run() async throws {
            var options = ConnectionOptions()
            options.applicationName = "attune timed worker \(name)"
            try await ConnectionPool.with(try connection.conninfo(), limit: 4, options: options) { pool in
                let worker = TimedWorker(
                    queue: PostgresQueueStore(pool), name: name, speed: speed, heartbeatSeconds: heartbeat)
                let working = Task { try await worker.run() }
                for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { break }
                working.cancel()
                try await working.value
            }
        }
    }
}
