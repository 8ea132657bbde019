import ArgumentParser
import Evaluation
import Foundation
import Meta
import Problem
import Recipe

extension Eval {
    /// Quality by the number of inner steps, of the product and of what the literature would do instead.
    struct Curve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Score the learned rule against other meta-learned and hand-made ways to adapt, by the number of steps.",
            discussion: """
                Everything is learned on a file's meta-train users and adapts the same head over the same features: MAML, FOMAML,
                Reptile, Meta-SGD, learned optimisers, starts made from a user's context, a hypernetwork, and what learns nothing
                across users. Rates, penalties and dampings are the best of up to nine on the validation users. With --folder it
                writes curve.json, curve.md, curve-steps.svg and curve-bytes.svg there.

                EXAMPLES:
                  attune eval curve --data users.jsonl.zst --folder curve
                  attune eval curve --data users.jsonl.zst --test others.jsonl.zst --json
                  attune eval curve --data users.jsonl.zst --quick
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var users: EvaluationUsers
        @OptionGroup var output: OutputOptions
        @Option(help: "A folder to write the report and its plots to; made if it is not there.") var folder: String?
        @Flag(help: "Learn hardly anything: figures that only show that everything runs.") var quick = false

        func run() async throws {
            let started = Date()
            let encoder = try base.open()
            let (people, others) = try users.read(encoder)
            let location = absolute(users.data)
            let evaluation = try CurveEvaluation(people, test: others, seed: users.seed, at: location)
            let recipe = try Eval.recipe(people, encoder, seed: users.seed, at: location)
            let line = ProgressLine("methods")
            let result = try evaluation.run(
                recipe, settings: CurveSettings(seed: users.seed, isQuick: quick)
            ) { line.show($0, of: $1) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if let folder {
                var files = [
                    "curve.json": try JSONOutput.text(report), "curve.md": result.markdown,
                    "curve-steps.svg": result.qualityPlot,
                ]
                if !quick {
                    let sizes = try SizeEvaluation(people, test: others, seed: users.seed, at: location)
                    files["curve-bytes.svg"] = try sizes.run(recipe) { _, _ in }.bytesPlot
                }
                try Eval.write(files, to: absolute(folder))
            }
            if output.json { return try JSONOutput.print(report) }
            (Self.table(result) + [""] + report.lines()).forEach(Terminal.output)
        }

        /// A line a method and support size.
        private static func table(_ report: CurveReport) -> [String] {
            let counts = CurveSettings.stepCounts
            var table = TextTable(.init(title: "S", alignment: .right), .init(title: "METHOD"))
            table.columns += counts.map { .init(title: "K=\($0)", alignment: .right) }
            var seen: Set<String> = []
            for row in report.tables.curve where seen.insert("\(row.support) \(row.method)").inserted {
                let own = report.tables.curve.filter { $0.method == row.method && $0.support == row.support }
                let cells = counts.map { count in
                    own.first { $0.steps == count || !$0.hasSteps }.map { Figures.score($0.areaUnderCurve.mean, 4) }
                        ?? ""
                }
                table.rows.append(["\(row.support)", row.method] + cells)
            }
            return table.lines(width: Terminal.width)
        }
    }
}
