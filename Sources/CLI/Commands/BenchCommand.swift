import ArgumentParser
import Bench
import Embedded
import Foundation
import Model
import Postgres
import Problem
import Worker

/// Measurements of speed.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure speed, with the machine and build the figures hold for.",
        subcommands: [
            Pipeline.self, Queue.self, Scheduler.self, CampaignRun.self, Products.self, Adapt.self,
            TimedWorkerCommand.self,
        ])

    /// Enqueue to published, on a private PostgreSQL and a private S3 server.
    struct Pipeline: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Users per second from enqueue to published, with a warm feature cache.",
            discussion: """
                Starts a private PostgreSQL (fsync on), a private S3 server and worker processes under a temporary folder,
                and removes them at the end. PostgreSQL, store and workers share this machine's cores.

                EXAMPLES:
                  attune bench pipeline --users 100000 --json
                  attune bench pipeline --quick
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Users of the timed wave.") var users = 100_000
        @Option(help: "Worker processes.") var workers = 2
        @Option(help: "Seed of the population.") var seed: UInt64 = 1
        @Flag(help: "5,000 users, for a first look.") var quick = false

        private struct Config: Encodable {
            var pipeline: PipelineBench.Configuration
            var workers: Int
        }

        private struct StageRow: Encodable {
            var stage: String
            var users: Int
            var busySeconds: Double
            var usersPerBusySecond: Double
        }

        func run() async throws {
            let report = try await PrivateServices.withDeployment(base: absolute(base.base), connections: 4) {
                try await measure($0, $1)
            }
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
            var table = TextTable(
                .init(title: "STAGE"), .init(title: "USERS", alignment: .right),
                .init(title: "BUSY", alignment: .right), .init(title: "USERS/BUSY s", alignment: .right))
            for row in report.tables["stages"] ?? [] {
                table.rows.append([
                    row.stage, String(row.users), Figures.span(seconds: row.busySeconds),
                    Figures.fixed(row.usersPerBusySecond, 0),
                ])
            }
            table.lines(width: Terminal.width).forEach(Terminal.output)
            // The first wave embeds the catalogue's texts, which the timed one then finds in the cache.
            let bound = (report.tables["stages"] ?? []).filter { $0.stage != Stage.embed.rawValue }
                .max { $0.busySeconds < $1.busySeconds }
            if let bound { Terminal.output("bounded by \(bound.stage): it was busy longest, embedding apart.") }
        }

        private func measure(
            _ folder: String, _ pool: ConnectionPool
        ) async throws -> MeasurementReport<Config, [String: [StageRow]]> {
            var configuration = PipelineBench.Configuration()
            configuration.users = quick ? 5000 : users
            configuration.seed = seed
            let bench = PipelineBench(configuration, pool: pool)
            let recording = ProgressLine("record")
            try await bench.prepare(base.open()) { recording.show($0, of: $1) }
            let crew = try WorkerCrew(count: workers, folder: folder)
            let warm = ProgressLine("warm")
            _ = try await bench.wave(0..<configuration.warmUsers) { warm.show($0, of: $1) }
            let warmPeak = try crew.peakBytes()
            let timed = ProgressLine("timed")
            let range = configuration.warmUsers..<(configuration.warmUsers + configuration.users)
            let wave = try await bench.wave(range) { timed.show($0, of: $1) }
            let peak = try crew.peakBytes()
            let stored = try await bench.stored()
            let stages = try await crew.finish()
            return try MeasurementReport(
                config: Config(pipeline: configuration, workers: workers),
                figures: [
                    "pipeline.users_per_second": Double(wave.users) / wave.seconds,
                    "pipeline.enqueue_users_per_second": Double(wave.users) / wave.enqueueSeconds,
                    "pipeline.bytes_per_adapter": Double(stored.bytes) / Double(max(1, stored.users)),
                    "pipeline.published_share": Double(stored.users)
                        / Double(configuration.users + configuration.warmUsers),
                    "pipeline.peak_rss_bytes": Double(peak),
                    "pipeline.peak_rss_ratio": Double(peak) / Double(warmPeak),
                ],
                tables: [
                    "stages": Stage.allCases.compactMap { stage in
                        stages[stage.rawValue].map {
                            StageRow(
                                stage: stage.rawValue, users: $0.users, busySeconds: $0.busySeconds,
                                usersPerBusySecond: Double($0.users) / max(1e-9, $0.busySeconds))
                        }
                    }
                ])
        }
    }
}

/// The worker and scheduler processes of one bench.
struct WorkerCrew {
    private let workers: [(process: Process, log: String)]
    private let scheduler: Process

    /// Starts them over the deployment of a folder.
    ///
    /// - Parameters:
    ///   - threads: compute threads of each.
    ///   - more: further options of each.
    init(count: Int, folder: String, threads: Int = 1, more: [String] = []) throws {
        scheduler = try ProcessFamily.launch(["scheduler", "--dir", folder], log: "\(folder)/scheduler.log")
        workers = try (0..<count).map { index in
            let log = "\(folder)/worker-\(index).log"
            let arguments =
                ["worker", "--dir", folder, "--name", "w\(index)", "--threads", "\(threads)", "--json"] + more
            return (try ProcessFamily.launch(arguments, log: log), log)
        }
    }

    /// The largest peak resident set of a worker so far (`VmHWM` of proc(5)).
    func peakBytes() throws -> Int {
        try workers.map { try ProcessMemory.bytes("VmHWM", of: $0.process.processIdentifier) }.max() ?? 0
    }

    /// Drains the workers and adds up what they say of their stages.
    func finish() async throws -> [String: StageClock.Sum] {
        struct Answer: Decodable { var stages: [String: StageClock.Sum] }
        for process in workers.map(\.process) + [scheduler] { process.terminate() }
        for process in workers.map(\.process) + [scheduler] {
            while ProcessTable.isRunning(process.processIdentifier) { try await Task.sleep(for: .milliseconds(20)) }
        }
        var sums: [String: StageClock.Sum] = [:]
        for worker in workers {
            let text = try String(contentsOfFile: worker.log, encoding: .utf8)
            guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
                throw Problem(
                    "bench_worker_failed", at: worker.log, "\(text.suffix(300))", do: "see what its log names.")
            }
            for (stage, sum) in try JSONDecoder().decode(Answer.self, from: Data(line.utf8)).stages {
                sums[stage, default: StageClock.Sum()].users += sum.users
                sums[stage, default: StageClock.Sum()].busySeconds += sum.busySeconds
            }
        }
        return sums
    }
}
