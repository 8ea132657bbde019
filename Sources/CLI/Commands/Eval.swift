import ArgumentParser
import Artifacts
import Evaluation
import Foundation
import Meta
import Model
import Population
import Problem
import Recipe

/// Tables of quality.
struct Eval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Judge adaptation against its baselines and controls.",
        subcommands: [Personalization.self, Steps.self, Size.self, Encoder.self, Gate.self, Curve.self, Text.self])

    /// Area under the curve by support size: product, baselines, controls, harm.
    struct Personalization: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Train on a file's meta-train users; score its validation users, or another file's users.",
            discussion: """
                Inside a user order is time: the support is the S examples just before the query window, and the first 40
                query examples are scored. Users need 32 support examples and both classes in the query. product is the learned
                rule's head with the guard off, stored the same as its stored bytes give it, guarded what a job publishes. With
                --folds every user is scored: few users say more that way, and learning takes five times as long.

                EXAMPLES:
                  attune eval personalization --data users.jsonl.zst
                  attune eval personalization --data users.jsonl.zst --folds
                  attune eval personalization --data users.jsonl.zst --test others.jsonl.zst --json
                """)

        @OptionGroup var base: BaseOptions
        @OptionGroup var users: EvaluationUsers
        @OptionGroup var output: OutputOptions
        @Flag(help: "Give the product what users did with each text as well; text is then the product without.")
        var sideFeatures = false
        @Flag(help: "Score all fifths of the users, each with a recipe learned on the other four.") var folds = false

        func validate() throws {
            if folds, users.test != nil {
                throw ValidationError("--folds scores the users of --data: leave --test out.")
            }
        }

        func run() async throws {
            let started = Date()
            let encoder = try base.open()
            let (people, others) = try users.read(encoder)
            let evaluation = try PersonalizationEvaluation(
                people, test: others, isCrossValidated: folds, seed: users.seed, at: absolute(users.data))
            let recipes = try evaluation.parts.map { part in
                try Eval.recipe(
                    people, holding: part, sides: sideFeatures ? ItemVectorSettings() : nil, encoder, seed: users.seed,
                    at: absolute(users.data))
            }
            let provenance = AdapterProvenance(
                baseDigest: encoder.digest, recipeDigest: Recipe.digest(of: try recipes[0].encode()))
            let result = try evaluation.run(recipes) { delta in
                var pack = PackWriter(provenance: provenance, width: recipes[0].width)
                return Int(pack.add(delta, uid: 1).storedByteCount)
            }
            var report = try MeasurementReport(config: result.config, figures: result.figures, tables: result.tables)
            report.figures["eval.seconds"] = Date().timeIntervalSince(started)
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
        }
    }

    /// The recipe that a file's meta-train users give.
    ///
    /// - Parameters:
    ///   - part: the part of the users that is only scored.
    ///   - sides: how texts' vectors are learned, if they are.
    static func recipe(
        _ people: MetaPopulation, holding part: Int = 0, sides: ItemVectorSettings? = nil, _ encoder: TextEncoder,
        seed: UInt64, at location: String
    ) throws -> Recipe {
        var outer = OuterSettings()
        outer.seed = seed
        let display = MetaTrainingDisplay()
        return try MetaTrainer(people, holding: part, outer: outer, sides: sides, at: location)
            .train(name: "evaluation", baseDigest: encoder.digest) { display.show($0) }
    }
}

extension Eval {
    /// Writes a report's files.
    static func write(_ files: [String: String], to folder: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (name, text) in files {
                try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
            }
        } catch {
            throw Problem(
                "file_unwritable", at: folder, "the report cannot be written: \(error.localizedDescription)",
                do: "name a folder that you may write to.")
        }
    }
}

/// Whom to learn from and whom to score.
struct EvaluationUsers: ParsableArguments {
    @Option(help: "Users as JSONL or JSONL.zst.") var data: String
    @Option(help: "Other users to score, who take no part in training or tuning.") var test: String?
    @Option(help: "Seed of every draw.") var seed: UInt64 = 1

    /// The users of the files, their texts encoded.
    func read(_ encoder: TextEncoder) throws -> (people: MetaPopulation, others: MetaPopulation?) {
        (try population(data, encoder), try test.map { try population($0, encoder) })
    }

    private func population(_ path: String, _ encoder: TextEncoder) throws -> MetaPopulation {
        let people = try PopulationReader.all(path: absolute(path))
        return try MetaPopulation(people, at: absolute(path)) { try PooledFeatures.encode($0, with: encoder) }
    }
}
