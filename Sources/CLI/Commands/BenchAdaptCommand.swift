import ArgumentParser
import Bench
import Foundation
import Model
import Tensor

extension BenchCommand {
    /// The backend of a name, if this machine has it.
    static func backend(_ name: String) throws -> ProductBackend {
        guard let backend = ProductBackend(rawValue: name) else {
            throw ValidationError(
                "'\(name)' is none of \(ProductBackend.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return try ProductBackend.choose(preferred: backend)
    }

    /// Adaptation inside the encoder.
    struct Adapt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Users adapted a second and core inside the encoder, beside the ceiling of its products.",
            discussion: """
                The peer's workload: LoRA on queries and values of every block and a head, ten steps of AdamW over batches of
                8 of a user's 32 examples of 64 tokens. --dump writes that user as safetensors, so that another program can run
                it too. --endurance adapts 100,000 users in 10,000 chunks in the last block instead, and says what memory did.

                EXAMPLES:
                  attune bench adapt --json
                  attune bench adapt --quick
                  attune bench adapt --dump user.safetensors
                  attune bench adapt --endurance
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Users timed with each library.") var users = 12
        @Option(help: "Seed of texts, labels and starts.") var seed: UInt64 = 1
        @Option(
            help: "A library to time, again for each further one; all there are unless given.",
            transform: BenchCommand.backend)
        var products: [ProductBackend] = []
        @Flag(help: "2 users, for a first look.") var quick = false
        @Flag(help: "Only the long run, for its memory.") var endurance = false
        @Option(help: ArgumentHelp("Write the user to a file and end.", valueName: "file")) var dump: String?

        func run() async throws {
            let folder = try BaseFolder.open(absolute(base.base))
            var configuration = AdaptBench.Configuration()
            configuration.workload.seed = seed
            configuration.users = quick ? 2 : users
            if quick { (configuration.topLayerUsers, configuration.pooledUsers) = (60, 2000) }
            if !products.isEmpty { configuration.backends = products }
            if let dump {
                let workload = AdaptWorkload(configuration.workload, base: folder.configuration)
                return try Data(workload.file()).write(to: URL(filePath: absolute(dump)))
            }
            if endurance { return try endure(configuration, folder) }
            let line = ProgressLine("users")
            let result = try AdaptBench(configuration).run(folder) { line.show($0, of: $1) }
            let report = try MeasurementReport(
                config: Config(base: folder.digest, bench: configuration), figures: result.figures,
                tables: ["full_depth": result.rows])
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
            show(result.rows)
        }

        private func endure(_ configuration: AdaptBench.Configuration, _ folder: BaseFolder) throws {
            var sizes = AdaptBench.Endurance()
            if quick { sizes.chunks = 200 }
            let line = ProgressLine("chunks")
            let figures = try AdaptBench(configuration).endure(sizes, folder) { line.show($0, of: $1) }
            let report = try MeasurementReport(
                config: Config(base: folder.digest, bench: configuration, endurance: sizes), figures: figures,
                tables: [String: [AdaptBench.Row]]())
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }

        private struct Config: Encodable {
            var base: String
            var bench: AdaptBench.Configuration
            var endurance: AdaptBench.Endurance?
        }

        private func show(_ rows: [AdaptBench.Row]) {
            var table = TextTable(
                .init(title: "BACKEND"), .init(title: "USERS/s", alignment: .right),
                .init(title: "GFLOP/s", alignment: .right), .init(title: "PRODUCTS", alignment: .right),
                .init(title: "SHARE", alignment: .right), .init(title: "LOSS", alignment: .right),
                .init(title: "AFTER", alignment: .right), .init(title: "KERNELS"))
            for row in rows {
                table.rows.append([
                    row.backend, Figures.fixed(row.usersPerSecond, 3), Figures.fixed(row.gflops, 1),
                    Figures.fixed(row.productGflops, 1), Figures.fixed(row.ceilingShare, 3),
                    Figures.fixed(Double(row.firstLoss), 4), Figures.fixed(Double(row.finalLoss), 4), row.kernels,
                ])
            }
            table.lines(width: Terminal.width).forEach(Terminal.output)
        }
    }
}
