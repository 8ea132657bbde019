import ArgumentParser
import Bench
import Foundation
import Model
import Postgres
import Worker

extension BenchCommand {
    /// A base update of a whole tenant, on a private PostgreSQL and a private S3 server.
    struct CampaignRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "campaign",
            abstract: "Re-adapt a million users under a new base: start, waves, switch and rollback.",
            discussion: """
                Starts a private PostgreSQL (fsync on), a private S3 server, a scheduler and a worker that holds two bases: the
                one of --base and a copy of it with noise on its weights. Another tenant asks for single jobs meanwhile.

                EXAMPLES:
                  attune bench campaign --users 1000000 --json
                  attune bench campaign --quick
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Users of the tenant.") var users = 1_000_000
        @Option(help: "Items in its catalogue.") var items = 10_000
        @Option(help: "Worker processes.") var workers = 1
        @Option(help: "Compute threads of each.") var threads = 2
        @Option(help: "Seed of the population.") var seed: UInt64 = 1
        @Flag(help: "20,000 users and 1,000 items, for a first look.") var quick = false

        private struct Config: Encodable {
            var campaign: CampaignBench.Configuration
            var workers: Int
            var threads: Int
        }

        private struct StageRow: Encodable {
            var stage: String
            var users: Int
            var busySeconds: Double
        }

        private struct Tables: Encodable {
            var waves: [CampaignBench.WaveRow] = []
            var longestWaits: [CampaignBench.WaitRow] = []
            var stages: [StageRow] = []
        }

        func run() async throws {
            let report = try await PrivateServices.withDeployment(base: absolute(base.base), connections: 4) {
                try await measure($0, $1)
            }
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
            show(report.tables)
        }

        private func measure(_ folder: String, _ pool: ConnectionPool) async throws -> MeasurementReport<Config, Tables>
        {
            var configuration = CampaignBench.Configuration()
            (configuration.users, configuration.items) = quick ? (20_000, 1000) : (users, items)
            configuration.seed = seed
            let next = "\(folder)/base-v2"
            try PerturbedBase().write(from: absolute(base.base), to: next)
            let bench = CampaignBench(configuration, pool: pool)
            let recording = ProgressLine("record")
            try await bench.prepare(base.open(), TextEncoder(BaseFolder.open(next))) { recording.show($0, of: $1) }
            let crew = try WorkerCrew(
                count: workers, folder: folder, threads: threads, more: ["--base", absolute(base.base), "--base", next])
            try await bench.awaitWorkers()
            let adapting = ProgressLine("adapt")
            let result = try await bench.run { adapting.show($0, of: $1) }
            let peak = try crew.peakBytes()
            let stages = try await crew.finish()
            var tables = Tables()
            (tables.waves, tables.longestWaits) = (result.waves, result.longestWaits)
            tables.stages = Stage.allCases.compactMap { stage in
                stages[stage.rawValue].map {
                    StageRow(stage: stage.rawValue, users: $0.users, busySeconds: $0.busySeconds)
                }
            }
            let embedding = stages[Stage.embed.rawValue]?.busySeconds ?? 0
            return try MeasurementReport(
                config: Config(campaign: configuration, workers: workers, threads: threads),
                figures: [
                    "campaign.start_seconds": result.startSeconds, "campaign.switch_seconds": result.switchSeconds,
                    "campaign.rollback_seconds": result.rollbackSeconds, "campaign.total_seconds": result.totalSeconds,
                    "campaign.reembed_seconds": embedding / Double(max(1, workers)),
                    "campaign.other_claim_p99_seconds": result.otherClaimSeconds,
                    "campaign.other_jobs": Double(result.otherJobs),
                    "campaign.users_per_second": Double(configuration.users) / result.totalSeconds,
                    "campaign.jobs_per_user": Double(result.jobs) / Double(configuration.users),
                    "campaign.peak_rss_bytes": Double(peak),
                ], tables: tables)
        }

        private func show(_ tables: Tables) {
            var waves = TextTable(
                .init(title: "WAVE"), .init(title: "USERS", alignment: .right),
                .init(title: "JUDGED", alignment: .right), .init(title: "VERDICT"),
                .init(title: "DIFFERENCE", alignment: .right))
            waves.rows = tables.waves.map {
                [
                    $0.wave == 0 ? "canary" : String($0.wave), Figures.count($0.users), Figures.count($0.judged),
                    $0.verdict, $0.difference.map { Figures.fixed($0, 4) } ?? "–",
                ]
            }
            waves.lines(width: Terminal.width).forEach(Terminal.output)
            var waits = TextTable(
                .init(title: "OTHER'S JOB AT", alignment: .right), .init(title: "WAITED", alignment: .right))
            waits.rows = tables.longestWaits.map {
                [Figures.span(seconds: $0.at), Figures.span(seconds: $0.seconds)]
            }
            waits.lines(width: Terminal.width).forEach(Terminal.output)
            var stages = TextTable(
                .init(title: "STAGE"), .init(title: "USERS", alignment: .right), .init(title: "BUSY", alignment: .right)
            )
            stages.rows = tables.stages.map {
                [$0.stage, Figures.count($0.users), Figures.span(seconds: $0.busySeconds)]
            }
            stages.lines(width: Terminal.width).forEach(Terminal.output)
        }
    }
}
