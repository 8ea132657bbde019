import Adapters
import ArgumentParser
import Evaluation
import Foundation
import Meta
import Model
import Population
import Recipe
import Tensor

extension Eval {
    /// Adapters in the encoder's last block, few learned steps, beside the pooled rule and fine-tuning at full depth.
    struct Encoder: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Learn a start and rates for adapters in the last block; score them beside the pooled rule.",
            discussion: """
                Learned on a file's meta-train users, scored on its validation users: area under the curve at each support size
                of the pooled rule, of adapters in the last block after a few learned steps, of another user's adapters as a
                control, and of low-rank adapters at full depth after ten steps of AdamW, whose rate is the best of a grid on
                the scored users.

                EXAMPLES:
                  attune eval encoder --data users.jsonl.zst
                  attune eval encoder --data users.jsonl.zst --kind lora --quick --json
                """)

        /// Adapters of the last block.
        enum Kind: String, ExpressibleByArgument, CaseIterable {
            case bottleneck
            case lora
            case sparse
        }

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Users as JSONL or JSONL.zst.") var data: String
        @Option(help: "Adapters in the last block: bottleneck, lora or sparse.") var kind = Kind.bottleneck
        @Option(help: "Learned steps.") var steps = 3
        @Option(help: "Threads that compute (default: one a core).") var threads: Int?
        @Option(help: "Seed of every draw.") var seed: UInt64 = 1
        @Flag(help: "Leave fine-tuning at full depth out, which takes most of the time.") var quick = false

        func validate() throws {
            for (name, value) in [("steps", steps), ("threads", threads ?? 1)] where value < 1 {
                throw ValidationError("--\(name) is at least 1.")
            }
        }

        func run() async throws {
            let started = Date()
            let encoder = try base.open()
            var sequences: [[Int32]] = []
            let people = try MetaPopulation(PopulationReader.all(path: absolute(data)), at: absolute(data)) { texts in
                sequences = texts.map(encoder.tokens)
                return try PooledFeatures.encode(texts, with: encoder)
            }
            let texts = EncoderTexts(encoder.transformer, sequences, cache: PrefixCache(byteLimit: 2 << 30))
            var settings = EncoderOuterSettings()
            (settings.seed, settings.innerSteps) = (seed, steps)
            var fullDepth = EncoderEvaluation.FullDepth()
            if quick { fullDepth.learningRates = [] }
            let evaluation = try EncoderEvaluation(
                people, texts, outer: settings, fullDepth: fullDepth,
                threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, at: absolute(data))
            let recipe = try Eval.recipe(people, encoder, seed: seed, at: absolute(data))
            let display = MetaTrainingDisplay()
            let result = try evaluation.run(recipe, plan(encoder.configuration)) { display.show(.learning($0)) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }

        private func plan(_ shape: TransformerConfiguration) -> AdapterPlan {
            let last = shape.blocks - 1
            let kinds: [Site: any AdapterKind]
            switch kind {
            case .bottleneck: kinds = [Site(.feedForward, block: last): Bottleneck.pfeiffer(width: 16)]
            case .lora:
                let lora = LoRA(rank: 8, alpha: 16)
                kinds = [Site(.query, block: last): lora, Site(.value, block: last): lora]
            case .sparse:
                var random = RandomSource(seed: seed)
                let site = last > 0 ? Site(.block, block: last - 1) : Site(.feedForward, block: last)
                kinds = [
                    site: SparseDelta.random(
                        entries: min(8192, shape.width * shape.width), inputs: shape.width, outputs: shape.width,
                        &random)
                ]
            }
            return AdapterPlan(shape, kinds, head: .binary)
        }
    }
}
