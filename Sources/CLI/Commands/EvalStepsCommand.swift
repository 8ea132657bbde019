import ArgumentParser
import Evaluation
import Foundation

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
        @OptionGroup var users: EvaluationUsers
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let started = Date()
            let encoder = try base.open()
            let (people, others) = try users.read(encoder)
            let evaluation = try StepsEvaluation(people, test: others, seed: users.seed, at: absolute(users.data))
            let recipe = try Eval.recipe(people, encoder, seed: users.seed, at: absolute(users.data))
            let line = ProgressLine("runs")
            let result = try evaluation.run(recipe) { line.show($0, of: $1) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }
    }
}
