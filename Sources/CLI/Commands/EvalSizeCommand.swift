import ArgumentParser
import Evaluation
import Foundation
import Meta
import Model
import Recipe

extension Eval {
    /// What stored bytes buy.
    struct Size: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Score what users store by its bytes: full heads, rows, coefficients in a shared basis.",
            discussion: """
                The recipe and the basis are learned on a file's meta-train users. Every form stores the same differences,
                encoded into packs whose every byte counts; gain_kept is the share of the full head's gain of AUC over the
                head for everyone that is left. rounding_loss is what rounding alone changes of a user's query loss.

                With --inside also adapters in the encoder's last block, each kind from a start and by rates learned across
                users: LoRA of ranks 1 to 8, bottlenecks and sparse deltas, in f16, int8 and int4. That takes minutes.
                With --folder it writes size.json, size.md and size.svg there.

                EXAMPLES:
                  attune eval size --data users.jsonl.zst
                  attune eval size --data users.jsonl.zst --test others.jsonl.zst --json
                  attune eval size --data users.jsonl.zst --inside --folder size
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var users: EvaluationUsers
        @OptionGroup var output: OutputOptions
        @OptionGroup var sparse: SparseOptions
        @Flag(help: "Adapters inside the encoder too.") var inside = false
        @Option(help: "Rules learned on parts of the users inside the encoder, folded into one.") var folds = 1
        @Option(help: "Learned steps inside the encoder.") var steps = 3
        @Option(help: "Threads that compute inside the encoder (default: one a core).") var threads: Int?
        @Option(help: "A folder to write the report and its plot to; made if it is not there.") var folder: String?

        func validate() throws {
            for (name, value) in [("steps", steps), ("threads", threads ?? 1), ("folds", folds)] where value < 1 {
                throw ValidationError("--\(name) is at least 1.")
            }
            guard !inside || users.test == nil else {
                throw ValidationError("--inside scores validation users; leave --test out.")
            }
        }

        func run() async throws {
            let started = Date()
            var encoder = try base.open()
            let location = absolute(users.data)
            var texts: EncoderTexts?
            let people: MetaPopulation
            var others: MetaPopulation?
            if inside {
                let read = try EncoderUsers.read(users.data, encoder)
                (people, texts, encoder) = (read.people, read.texts, read.encoder)
            } else {
                (people, others) = try users.read(encoder)
            }
            let evaluation = try SizeEvaluation(people, test: others, seed: users.seed, at: location)
            let recipe = try Eval.recipe(people, encoder, seed: users.seed, at: location)
            let adapters = try texts.map { try formsInside(people, $0, recipe) } ?? []
            let line = ProgressLine("forms")
            let result = try evaluation.run(recipe, inside: adapters) { line.show($0, of: $1) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if let folder {
                let files = [
                    "size.json": try JSONOutput.text(report), "size.md": result.markdown, "size.svg": result.bytesPlot,
                ]
                try Eval.write(files, to: absolute(folder))
            }
            if output.json { return try JSONOutput.print(report) }
            (Self.curve(result.tables.size) + [""] + report.lines()).forEach(Terminal.output)
        }

        private func formsInside(
            _ people: MetaPopulation, _ texts: EncoderTexts, _ recipe: Recipe
        ) throws -> [EncoderForms.Scored] {
            let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
            var outer = EncoderOuterSettings()
            (outer.seed, outer.innerSteps, outer.learnedFolds) = (users.seed, steps, folds)
            let plan = try sparse.plan(texts, people, recipe, seed: users.seed, threads: threads).plan
            let display = MetaTrainingDisplay()
            return try EncoderForms(people, texts, outer: outer, threads: threads)
                .run(from: recipe.rule, sparse: plan, kept: max(1, sparse.entries / 4)) { display.show(.learning($1)) }
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
