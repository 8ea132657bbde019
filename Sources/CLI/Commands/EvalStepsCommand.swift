import ArgumentParser
import Evaluation
import Foundation
import Meta
import Model
import Recipe

extension Eval {
    /// Few learned steps against many hand-made ones.
    struct Steps: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Score the learned rule against tuned Adam and SGD by the number of steps.",
            discussion: """
                The rule is learned on a file's meta-train users. Adam and SGD take up to 50 steps on the same head over the same
                features, from the head for everyone, from zero and from random numbers; their rates are the best of a grid on
                the validation users, for each start, number of steps and support size.

                EXAMPLES:
                  attune eval steps --data users.jsonl.zst
                  attune eval steps --data users.jsonl.zst --test others.jsonl.zst --json
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Users as JSONL or JSONL.zst.") var data: String
        @Option(help: "Other users to score, who take no part in training or tuning.") var test: String?
        @Option(help: "Seed of every draw.") var seed: UInt64 = 1

        func run() async throws {
            let started = Date()
            let encoder = try base.open()
            let people = try Eval.population(data, encoder)
            let others = try test.map { try Eval.population($0, encoder) }
            let evaluation = try StepsEvaluation(people, test: others, seed: seed, at: absolute(data))
            var outer = OuterSettings()
            outer.seed = seed
            let display = MetaTrainingDisplay()
            let recipe = try MetaTrainer(people, outer: outer, at: absolute(data))
                .train(name: "evaluation", baseDigest: encoder.digest) { display.show($0) }
            let line = ProgressLine("runs")
            let result = try evaluation.run(recipe) { line.show($0, of: $1) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }
    }
}
