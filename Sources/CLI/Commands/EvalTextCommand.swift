import ArgumentParser
import Blocking
import Evaluation
import Foundation
import Meta
import Model
import Population
import Tensor

extension Eval {
    /// Bits a byte of authors' later text: base, adapted, another author's adapter.
    struct Text: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adapt a decoder to each author of a file; score the author's later text.",
            discussion: """
                Each author's newest 20,000 characters of support are adapted on, the query after them is scored: with the base
                alone, with the author's adapter, and with the adapter of the author before as a control. Every token but a
                text's first is scored once, in windows that overlap by half; a byte's bits are the scored tokens' nats / ln 2
                over their UTF-8 bytes. text.bleu4 compares greedy continuations of prompts with the author's own (attune's
                BLEU-4 after mteval-13a's tokens). Figures are means over authors, without the fifth (by hash of the id) that the
                defaults were chosen on, which --authors validation scores.

                EXAMPLES:
                  attune eval text --data style-novels.jsonl.zst --base novels-gpt2
                  attune eval text --data style-novels.jsonl.zst --base novels-gpt2 --quick --json
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var adaptation: TextAdaptationOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Authors as JSONL or JSONL.zst; labels may be of any kind.") var data: String
        @Option(help: "Authors to score: others (default), validation or all.", transform: Text.authors)
        var authors: TextEvaluation.Authors = .others
        @Option(help: "Seed of every draw.") var seed: UInt64 = 1
        @Flag(help: "8 authors and 5,000 characters of each, for a first look.") var quick = false

        func run() async throws {
            let started = Date()
            let model = try adaptation.openDecoder(base)
            var reading = PopulationReader.Limits()
            (reading.requiresBothClasses, reading.ignoresLabels) = (false, true)
            var limits = AuthorText.Limits()
            if quick { (limits.own, limits.unseen) = (5000, 5000) }
            let evaluation = try TextEvaluation(
                model, PopulationReader.all(path: absolute(data), limits: reading), adaptation.settings(),
                authors: authors, most: quick ? 8 : nil, limits: limits, seed: seed, at: absolute(data))
            let progress = ProgressLine("authors")
            let result = try await evaluation.run(on: adaptation.computeThreads()) { progress.show($0, of: $1) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }

        private static func authors(_ name: String) throws -> TextEvaluation.Authors {
            guard let authors = TextEvaluation.Authors(rawValue: name) else {
                throw ValidationError("'\(name)' is none of others, validation, all.")
            }
            return authors
        }
    }
}
