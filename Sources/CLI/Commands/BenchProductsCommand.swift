import ArgumentParser
import Bench
import Model
import Tensor

extension BenchCommand {
    /// The matrix products of a base, by each library.
    struct Products: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gemm",
            abstract: "Speed of the base's matrix products on one core, by each library, beside the core's peak.",
            discussion: """
                The linear layers of a block at the base's shapes, 512 rows, forward and backward, each library in turn; and
                fused multiply-adds in registers, in f32 and, where the processor has them, in bf16. Figures are medians of
                the rounds. A library that is not there is named and left out.

                EXAMPLES:
                  attune bench gemm --json
                  attune bench gemm --quick
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Seed of weights and activations.") var seed: UInt64 = 1
        @Flag(help: "5 rounds of 31, for a first look.") var quick = false

        private struct Config: Encodable {
            var base: String
            var bench: ProductBench.Configuration
        }

        func run() async throws {
            var configuration = ProductBench.Configuration()
            configuration.seed = seed
            if quick { configuration.rounds = 5 }
            let folder = try BaseFolder.open(absolute(base.base))
            let line = ProgressLine("rounds")
            let result = ProductBench(configuration, base: folder.configuration).run { line.show($0, of: $1) }
            let report = try MeasurementReport(
                config: Config(base: folder.digest, bench: configuration), figures: result.figures,
                tables: ["products": result.rows])
            for backend in ProductBackend.allCases {
                if let obstacle = backend.obstacle { Terminal.note("\(backend.rawValue) is not measured: \(obstacle)") }
            }
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
            show(result.rows)
        }

        private func show(_ rows: [ProductBench.Row]) {
            var table = TextTable(
                .init(title: "BACKEND"), .init(title: "LAYER"), .init(title: "SHAPE"), .init(title: "DIRECTION"),
                .init(title: "GFLOP/s", alignment: .right), .init(title: "OF PEAK", alignment: .right),
                .init(title: "KERNELS"))
            for row in rows {
                let shape = row.inputs.flatMap { inputs in row.outputs.map { "\(inputs) -> \($0)" } }
                table.rows.append([
                    row.backend, row.layer, shape ?? "", row.direction, Figures.fixed(row.gflops, 1),
                    row.peakShare.map { Figures.fixed($0, 3) } ?? "–", row.kernels,
                ])
            }
            table.lines(width: Terminal.width).forEach(Terminal.output)
        }
    }
}
