import ArgumentParser
import Evaluation
import Foundation
import Gate
import Meta
import Model
import Population
import Recipe

extension Eval {
    /// What a user keeps: gates beside their rivals.
    struct Gate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Train gates over what a user keeps; score them beside their rivals at equal stored bytes.",
            discussion: """
                Which rows: a sparse delta inside the encoder, of whose groups of rows a user keeps a share. A policy trained by
                PPO is scored beside row magnitude, hard-concrete gates, random rows, and all rows at half the bits, as users
                store them. Everything is learned on a file's meta-train users; the masks of scored users come from their
                supports alone.

                Whether and how much: how far a user's head goes from the head without data, from nothing to all of the way, and how
                far apart it scores. A policy trained by PPO starts as the guard that goes half the way and may at each support size
                harm no more users significantly than that does. It is scored beside acting on everybody, guards and a tuned
                threshold on the leave-pair-out loss.

                EXAMPLES:
                  attune eval gate --data users.jsonl.zst
                  attune eval gate --data users.jsonl.zst --part rows --groups 32 --budget 0.25 --json
                  attune eval gate --data users.jsonl.zst --part decision --cross-validated
                """)

        /// What a gate decides.
        enum Part: String, ExpressibleByArgument, CaseIterable {
            case rows
            case decision
            case all
        }

        /// What is behind the figures of the parts that were run.
        private struct Details: Encodable {
            var rows: GateReport.Tables?
            var decision: DecisionReport.Tables?
        }

        private struct Configuration: Encodable {
            var rows: GateReport.Configuration?
            var decision: DecisionReport.Configuration?
        }

        @OptionGroup var base: BaseOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var sparse: SparseOptions
        @Option(help: "Users as JSONL or JSONL.zst.") var data: String
        @Option(help: "rows, decision or all.") var part = Part.all
        @Option(help: "Groups of rows.") var groups = 16
        @Option(help: "Share of the groups that a user keeps.") var budget = 0.5
        @Option(help: "Rounds of PPO, 64 users of 8 masks each.") var rounds = 30
        @Option(help: "Rules learned on parts of the users and folded into one, at most 6.") var folds = 6
        @Option(
            help:
                "Mean chance of significant harm that the decision may come to at each size (default: the half-way guard's)."
        )
        var harmBudget: Double?
        @Flag(help: "Decide for all fifths of the users, each as learned on the other four.") var crossValidated = false
        @Option(help: "Threads that compute (default: one a core).") var threads: Int?
        @Option(help: "Seed of every draw.") var seed: UInt64 = 1

        func validate() throws {
            for (name, value) in [
                ("groups", groups), ("rounds", rounds), ("folds", folds), ("threads", threads ?? 1),
            ] where value < 1 { throw ValidationError("--\(name) is at least 1.") }
            guard budget > 0, budget <= 1 else { throw ValidationError("--budget is more than 0 and at most 1.") }
            guard (0...1).contains(harmBudget ?? 0) else { throw ValidationError("--harm-budget is within 0...1.") }
        }

        func run() async throws {
            let started = Date()
            let (people, texts, encoder) = try EncoderUsers.read(data, base.open())
            let decision = part == .rows ? nil : try decisions(people, encoder)
            let rows = part == .decision ? nil : try rowGates(people, texts, encoder)
            var report = try MeasurementReport(
                config: Configuration(rows: rows?.config, decision: decision?.config),
                figures: (rows?.figures ?? [:]).merging(decision?.figures ?? [:]) { one, _ in one },
                tables: Details(rows: rows?.tables, decision: decision?.tables))
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }

        /// Whether and how much a user is adapted at the pooled site.
        private func decisions(_ people: MetaPopulation, _ encoder: TextEncoder) throws -> DecisionReport {
            var outer = OuterSettings()
            outer.seed = seed
            var settings = DecisionEvaluation.Settings()
            (settings.policy.seed, settings.harmBudget) = (seed, harmBudget)
            let evaluation = try DecisionEvaluation(
                people, isCrossValidated: crossValidated, outer: outer, settings, at: absolute(data))
            let recipes = try evaluation.parts.map { part in
                try Eval.recipe(people, holding: part, encoder, seed: seed, at: absolute(data))
            }
            let folds = ProgressLine("folds")
            let rounds = ProgressLine("rounds")
            return try evaluation.run(recipes) { progress in
                switch progress {
                case .fold(let done, let all): folds.show(done, of: all)
                case .round(let done, let all): rounds.show(done, of: all)
                }
            }
        }

        /// Which rows a user of a sparse delta keeps.
        private func rowGates(
            _ people: MetaPopulation, _ texts: EncoderTexts, _ encoder: TextEncoder
        ) throws -> GateReport {
            let recipe = try Eval.recipe(people, encoder, seed: seed, at: absolute(data))
            let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
            var outer = EncoderOuterSettings()
            (outer.seed, outer.learnedFolds) = (seed, folds)
            var settings = GateEvaluation.Settings()
            (settings.budget, settings.policy.rounds) = (budget, rounds)
            (settings.policy.seed, settings.hardConcrete.seed) = (seed, seed)
            let evaluation = try GateEvaluation(
                people, texts, outer: outer, settings, threads: threads, at: absolute(data))
            let plan = try sparse.plan(texts, people, recipe, groups: groups, seed: seed, threads: threads)
            let display = MetaTrainingDisplay()
            let line = ProgressLine("rounds")
            return try evaluation.run(recipe, plan) { progress in
                switch progress {
                case .learning(let step): display.show(.learning(step))
                case .gating(let round, let all, _): line.show(round, of: all)
                }
            }
        }
    }
}

/// A file's users, their texts as the encoder reads them.
enum EncoderUsers {
    /// Reads and tokenises; features are encoded, rows before cuts will be cached.
    static func read(
        _ path: String, _ encoder: TextEncoder
    ) throws -> (people: MetaPopulation, texts: EncoderTexts, encoder: TextEncoder) {
        var sequences: [[Int32]] = []
        let people = try MetaPopulation(PopulationReader.all(path: absolute(path)), at: absolute(path)) { texts in
            sequences = texts.map(encoder.tokens)
            return try PooledFeatures.encode(texts, with: encoder)
        }
        return (people, EncoderTexts(encoder.transformer, sequences, cache: PrefixCache(byteLimit: 2 << 30)), encoder)
    }
}
