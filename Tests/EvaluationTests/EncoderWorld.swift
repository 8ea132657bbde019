import Adapters
import Evaluation
import Foundation
import Meta
import Model
import Population
import Recipe
import Tensor

/// Generated users of a tiny encoder who like texts with one of two words, and a recipe learned on them.
struct EncoderWorld {
    static let base = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "AdaptersTests/Fixtures/tiny-bert")

    let encoder: TextEncoder
    let people: MetaPopulation
    let texts: EncoderTexts

    init(users: Int = 100, examples: Int = 72) throws {
        encoder = try TextEncoder(BaseFolder.open(Self.base.path))
        var sequences: [[Int32]] = []
        people = try MetaPopulation(Self.users(users, examples: examples), at: "generated") { [encoder] texts in
            sequences = texts.map(encoder.tokens)
            return try encoder.pooled(texts)
        }
        texts = EncoderTexts(encoder.transformer, sequences, cache: PrefixCache(byteLimit: 1 << 24))
    }

    static func users(_ count: Int, examples: Int = 72) -> [UserExamples] {
        var random = RandomSource(seed: 3)
        return (0..<count).map { user in
            let likes = random.index(below: 2)
            return UserExamples(
                user: "user-\(user)",
                examples: (0..<examples).map { number in
                    let word = random.index(below: 2)
                    let rest = (0..<2).map { _ in ["the", "was", "of", "and"][random.index(below: 4)] }
                    return Example(
                        text: ([["cat", "sun"][word]] + rest).joined(separator: " "), label: word == likes ? 1 : 0,
                        part: number < 32 ? .support : .query)
                })
        }
    }

    func recipe() throws -> Recipe {
        var outer = OuterSettings()
        (outer.folds, outer.maximumSteps, outer.stepsPerCheckpoint) = (2, 20, 10)
        return try MetaTrainer(people, outer: outer, at: "generated")
            .train(name: "test", baseDigest: encoder.digest) { _ in }
    }

    var training: [MetaUser] { people.users.filter { !ScoringProtocol.isValidation($0.id) } }

    /// A sparse delta in the last block.
    func sparse(_ recipe: Recipe, entries: Int = 64, groups: Int = 8) -> SparsePlan {
        var settings = SparsePlan.Settings(Site(.feedForward, block: encoder.configuration.blocks - 1))
        (settings.entries, settings.groups) = (entries, groups)
        return SparsePlan(settings, texts, training, recipe.rule, threads: 2)
    }
}
