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
                the scored users. For sparse adapters also what users store, beside LoRA of rank 8 in f16 at the same site.

                EXAMPLES:
                  attune eval encoder --data users.jsonl.zst
                  attune eval encoder --data users.jsonl.zst --kind lora --quick --json
                  attune eval encoder --data users.jsonl.zst --kind sparse --kept 256
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
        @OptionGroup var sparse: SparseOptions
        @Option(help: "Entries of a sparse adapter that a user keeps (default: a quarter).") var kept: Int?
        @Option(help: "Learned steps.") var steps = 3
        @Option(help: "Rules learned on parts of the users and folded into one, at most 6.") var folds = 6
        @Option(help: "Threads that compute (default: one a core).") var threads: Int?
        @Option(help: "Seed of every draw.") var seed: UInt64 = 1
        @Flag(help: "Leave fine-tuning at full depth out, which takes most of the time.") var quick = false

        func validate() throws {
            for (name, value) in [
                ("steps", steps), ("threads", threads ?? 1), ("folds", folds), ("kept", kept ?? 1),
            ] where value < 1 { throw ValidationError("--\(name) is at least 1.") }
        }

        func run() async throws {
            let started = Date()
            let (people, texts, encoder) = try EncoderUsers.read(data, base.open())
            var settings = EncoderOuterSettings()
            (settings.seed, settings.innerSteps, settings.learnedFolds) = (seed, steps, folds)
            if kind == .sparse { settings.entryBudget = kept ?? max(1, sparse.entries / 4) }
            var fullDepth = EncoderEvaluation.FullDepth()
            if quick { fullDepth.learningRates = [] }
            let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
            let evaluation = try EncoderEvaluation(
                people, texts, outer: settings, fullDepth: fullDepth, threads: threads, at: absolute(data))
            let recipe = try Eval.recipe(people, encoder, seed: seed, at: absolute(data))
            let display = MetaTrainingDisplay()
            let plan =
                kind == .sparse
                ? try sparse.plan(texts, people, recipe, seed: seed, threads: threads).plan
                : plan(encoder.configuration)
            let result = try evaluation.run(recipe, plan) { display.show(.learning($0)) }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }

        private func plan(_ shape: TransformerConfiguration) -> AdapterPlan {
            let last = shape.blocks - 1
            let lora = LoRA(rank: 8, alpha: 16)
            let kinds: [Site: any AdapterKind] =
                kind == .lora
                ? [Site(.query, block: last): lora, Site(.value, block: last): lora]
                : [Site(.feedForward, block: last): Bottleneck.pfeiffer(width: 16)]
            return AdapterPlan(shape, kinds, head: .binary)
        }
    }
}

/// A sparse adapter inside the encoder.
struct SparseOptions: ParsableArguments {
    @Option(help: "Where a sparse adapter sits, as BLOCK.PLACE (default: the last block's feed_forward).") var site:
        String?
    @Option(help: "Entries of the support that users of a sparse adapter share.") var entries = 2048
    @Option(help: "How the support is chosen on meta-train users: agreement, gradient or random.") var support =
        Support.random

    /// ``SparseChoice``.
    enum Support: String, ExpressibleByArgument, CaseIterable {
        case agreement
        case gradient
        case random

        var choice: SparseChoice {
            switch self {
            case .agreement: .agreement
            case .gradient: .gradient
            case .random: .random
            }
        }
    }

    func validate() throws {
        guard entries >= 1 else { throw ValidationError("--entries is at least 1.") }
        guard site.map({ Site(name: $0) != nil }) ?? true else {
            throw ValidationError("--site is a block and a place of it, such as 5.feed_forward or 4.block.")
        }
    }

    /// Chooses the support on a file's meta-train users.
    func plan(
        _ texts: EncoderTexts, _ people: MetaPopulation, _ recipe: Recipe, groups: Int = 16, seed: UInt64, threads: Int
    ) throws -> SparsePlan {
        let shape = texts.transformer.configuration
        let site = site.flatMap { Site(name: $0) } ?? Site(.feedForward, block: shape.blocks - 1)
        guard shape.has(site) else { throw ValidationError("The base has no site \(site).") }
        var settings = SparsePlan.Settings(site)
        (settings.entries, settings.groups, settings.choice, settings.seed) = (entries, groups, support.choice, seed)
        return SparsePlan(
            settings, texts, people.users.filter { !ScoringProtocol.isValidation($0.id) }, recipe.rule, threads: threads
        )
    }
}
