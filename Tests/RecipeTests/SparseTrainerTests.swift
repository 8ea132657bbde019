import Adapters
import Foundation
import Meta
import Model
import Problem
import Recipe
import Tensor
import Testing

/// The preset `dsa`, on users who like texts by four words, over a tiny encoder.
@Suite struct SparseTrainerTests {
    private func world(users count: Int) throws -> (population: MetaPopulation, texts: EncoderTexts) {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "AdaptersTests/Fixtures/tiny-bert")
        let transformer = try Transformer(BaseFolder.open(folder.path))
        var random = RandomSource(seed: 9)
        let vocabulary = transformer.configuration.vocabularySize
        var present: [[Bool]] = []
        let sequences = (0..<300).map { _ -> [Int32] in
            present.append((0..<4).map { _ in random.uniform() < 0.5 })
            let words = (0..<4).filter { present[present.count - 1][$0] }.map { Int32(vocabulary - 1 - $0) }
            return [0] + words + (0..<3).map { _ in Int32(5 + random.index(below: 40)) } + [1]
        }
        let users = (0..<count).map { index -> MetaUser in
            let taste = (0..<4).map { _ in random.uniform() < 0.5 ? 1 : -1 }
            let rows = (0..<72).map { _ in random.index(below: sequences.count) }
            let labels = rows.map { row -> Float in
                let score = zip(taste, present[row]).reduce(0) { $0 + ($1.1 ? $1.0 : -$1.0) }
                return score > 0 || (score == 0 && random.uniform() < 0.5) ? 1 : 0
            }
            return MetaUser(id: "user \(index)", rows: rows.map { Int32($0) }, labels: labels, supportCount: 32)
        }
        let width = transformer.configuration.width
        return (
            MetaPopulation(features: Matrix(rows: sequences.count, columns: width), users: users),
            EncoderTexts(transformer, sequences, cache: PrefixCache(byteLimit: 1 << 24))
        )
    }

    private var settings: SparseSettings {
        var settings = SparseSettings()
        (settings.entries, settings.keptEntries) = (128, 32)
        (settings.outer.innerSteps, settings.outer.usersPerStep, settings.outer.maximumSteps) = (2, 16, 60)
        (settings.outer.startRate, settings.outer.scalarRate, settings.outer.learnedFolds) = (1e-2, 5e-2, 1)
        return settings
    }

    private func pooled(width: Int) -> Recipe {
        var random = RandomSource(seed: 21)
        let weights = (0..<width).map { _ in Float(0.5 * random.normal()) }
        var recipe = Recipe.plain(
            name: "r", baseDigest: String(repeating: "ab", count: 32), head: LinearHead(weights: weights, bias: 0.1))
        recipe.headWithoutData = .zero(width: width)
        return recipe
    }

    @Test(
        "a recipe with its part, guard and figures, the same whatever the number of threads; more examples serve better"
    )
    func trains() throws {
        let (population, texts) = try world(users: 90)
        let pooled = pooled(width: texts.transformer.configuration.width)
        func train(threads: Int) throws -> (Recipe, [MetaTrainingProgress]) {
            var told: [MetaTrainingProgress] = []
            let recipe = try SparseTrainer(population, texts, settings: settings, threads: threads, at: "f")
                .train(pooled) { told.append($0) }
            return (recipe, told)
        }
        // The first run fills the cache of prefixes, whose rounding depends on which texts are computed together.
        _ = try train(threads: 2)
        let (recipe, told) = try train(threads: 1)
        #expect(try train(threads: 2).0 == recipe)
        let part = try #require(recipe.sparse)
        #expect(part.support.count == 128 && part.storage.keptGroups == 32 && part.entryBudget == 32)
        #expect(recipe.settings.steps == 2 && recipe.kind == .sparseEncoder && recipe.name == "r")
        #expect(told.first == .encoder(site: "\(part.site)", entries: 128, kept: 32))
        let rows = recipe.validation.rows
        #expect(told.compactMap { if case .validated(let row) = $0 { row } else { nil } } == rows)
        #expect(
            rows.map(\.steps) == [0, 0, 0, 0, 2, 2, 2, 2] && rows.prefix(4).allSatisfy { $0.areaUnderCurve == 0.5 })
        // The tiny encoder hardly tells words apart; what a good base gives is in the end-to-end tests.
        #expect(rows[7].logLoss < rows[4].logLoss - 0.02 && recipe.validation.users > 10, "\(rows)")
        let gain = try #require(recipe.settings.guarding).smallSupportGain
        #expect(gain.isFinite && abs(gain) < 0.2)
        #expect(try Recipe(decoding: recipe.encode(), at: "r") == recipe)
    }

    @Test("users without enough examples to learn rates from are refused")
    func refuses() throws {
        let (population, texts) = try world(users: 8)
        let problem = try #require(throws: Problem.self) { try SparseTrainer(population, texts, threads: 1, at: "f") }
        #expect(problem.errorClass == "too_few_users" && problem.location == "f")
    }
}
