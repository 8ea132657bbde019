import ArgumentParser
import Evaluation
import Foundation

extension Eval {
    /// What stored bytes buy.
    struct Size: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Score what users store by its bytes: full heads, rows, coefficients in a shared basis.",
            discussion: """
                The recipe and the basis are learned on a file's meta-train users. Every form stores the same differences,
                encoded into packs whose every byte counts; gain_kept is the share of the full head's gain of AUC over the
                head for everyone that is left. rounding_loss is what rounding alone changes of a user's query loss.

                EXAMPLES:
                  attune eval size --data users.jsonl.zst
                  attune eval size --data users.jsonl.zst --test others.jsonl.zst --json
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var users: EvaluationUsers
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let started = Date()
            let encoder = try base.open()
            let (people, others) = try users.read(encoder)
            let evaluation = try SizeEvaluation(people, test: others, seed: users.seed, at: absolute(users.data))
            let recipe = try Eval.recipe(people, encoder, seed: users.seed, at: absolute(users.data))
            let line = ProgressLine("forms")
            let result = try evaluation.run(recipe) { line.show($0, of: $1) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            (Self.curve(result.tables.size) + [""] + report.lines()).forEach(Terminal.output)
        }

        /// A line a form, fewest bytes first.
        private static func curve(_ rows: [SizeReport.Row]) -> [String] {
            let sizes = Set(rows.flatMap(\.areaUnderCurve.keys)).sorted()
            var table = TextTable(.init(title: "FORM"), .init(title: "BYTES", alignment: .right))
            table.columns += sizes.map { .init(title: "AUC S=\($0)", alignment: .right) }
            table.columns += ["GAIN KEPT", "LOWER", "ROUNDING", "P99"].map { .init(title: $0, alignment: .right) }
            table.rows = rows.sorted { $0.bytesPerUser < $1.bytesPerUser }.map { row in
                [row.form, Figures.fixed(row.bytesPerUser, 1)]
                    + sizes.map { Figures.score(row.areaUnderCurve[$0]?.mean ?? 0, 4) }
                    + [row.gainKept.mean, row.gainKept.low].map { Figures.fixed($0, 3) }
                    + [row.roundingLossMedian, row.roundingLoss99].map { Figures.fixed($0, 5) }
            }
            return table.lines(width: Terminal.width)
        }
    }
}
