import Adapters
import Evaluation
import Foundation
import Meta
import Population
import Problem
import Recipe
import Tensor
import Testing

@Suite struct PersonalizationEvaluationTests {
    /// Generated users over their catalogue, with a stand-in for the encoder: words hashed to random directions.
    static func population(users: Int, seed: UInt64) throws -> MetaPopulation {
        let synthetic = SyntheticPopulation(seed: seed, items: 300, users: users, examplesPerUser: 120)
        return try MetaPopulation((0..<users).map { synthetic.user($0, withTexts: true) }, at: "generated") { texts in
            var features = Matrix(rows: texts.count, columns: 48)
            for (row, text) in texts.enumerated() {
                for word in text.split(separator: " ") where word.count > 4 {
                    var random = RandomSource(seed: word.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
                    for column in 0..<48 { features[row, column] += Float(random.normal()) }
                }
                let norm = features.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
                for column in 0..<48 { features[row, column] /= norm }
            }
            return features
        }
    }

    static func recipe(_ population: MetaPopulation, holding part: Int = 0) throws -> Recipe {
        var outer = OuterSettings()
        outer.folds = 2
        outer.maximumSteps = 50
        outer.tensorRate = 5e-3
        let digest = String(repeating: "b", count: 64)
        return try MetaTrainer(population, holding: part, outer: outer, at: "generated")
            .train(name: "r", baseDigest: digest) { _ in }
    }

    @Test("the product finds the generated tastes, the controls do not, every figure has its name")
    func evaluates() throws {
        let population = try Self.population(users: 200, seed: 3)
        let recipe = try Self.recipe(population)
        let evaluation = try PersonalizationEvaluation(population, at: "generated")
        let report = try evaluation.run([recipe], storedBytes: { 9 + $0.valueCount })
        let figures = report.figures
        let global = try #require(figures["auc.global_head"])
        #expect(figures["auc.s0"] == global)
        for size in [4, 8, 16, 32] {
            for method in ["user_bias", "ridge", "logistic", "product", "stored", "guarded", "swapped", "shuffled"] {
                #expect(figures["auc.\(method).s\(size)"] != nil, "auc.\(method).s\(size)")
            }
            for name in ["harm.significant", "better.significant", "harm.material", "guard.gain_kept"] {
                #expect(figures["\(name).s\(size)"] != nil, "\(name).s\(size)")
            }
            let product = try #require(figures["auc.product.s\(size)"])
            #expect(product > global + (size == 4 ? 0 : 0.03))
            let stored = try #require(figures["auc.stored.s\(size)"])
            #expect(abs(stored - product) < 0.02 && stored != product)
            // A bias of the user's own cannot change the order of the user's items.
            #expect(abs(try #require(figures["auc.user_bias.s\(size)"]) - global) < 1e-3)
        }
        // Some forty users of forty items: a control's mean over the sizes strays by .02 from chance.
        for control in ["swapped", "shuffled"] {
            let areas = [4, 8, 16, 32].compactMap { figures["auc.\(control).s\($0)"] }
            #expect(areas.count == 4 && areas.reduce(0, +) / 4 < 0.55, "\(control): \(areas)")
        }
        #expect(try #require(figures["auc.product.s32"]) > (try #require(figures["auc.product.s4"])) + 0.02)
        #expect(try #require(figures["adapter.stored_bytes"]) == 9 + 48)
        #expect(recipe.basis?.count == 48)
        #expect(report.config.scoredUsers == recipe.validation.users && !report.config.hasTestFile)
        for row in report.tables.methods {
            #expect(
                row.areaUnderCurve.low <= row.areaUnderCurve.mean && row.areaUnderCurve.mean <= row.areaUnderCurve.high)
            if row.method == "ridge" { #expect(row.overRidge.mean == 0) }
        }
        let decoded = try JSONDecoder().decode(PersonalizationReport.self, from: JSONEncoder().encode(report))
        #expect(decoded == report)
    }

    @Test("a test file's users are scored, the recipe and the penalties stay those of the first file")
    func scoresTestUsers() throws {
        let population = try Self.population(users: 60, seed: 4)
        let test = try Self.population(users: 30, seed: 5)
        let recipe = try Self.recipe(population)
        let report = try PersonalizationEvaluation(population, test: test, at: "generated").run([recipe])
        #expect(report.config.scoredUsers == 30 && report.config.hasTestFile)
        #expect(report.figures["adapter.stored_bytes"] == nil)
        let same = try PersonalizationEvaluation(population, test: test, at: "generated").run([recipe])
        #expect(same == report)
    }

    @Test("cross-validated every eligible user is scored once, each part under the recipe learned without it")
    func crossValidates() throws {
        let population = try Self.population(users: 60, seed: 8)
        let evaluation = try PersonalizationEvaluation(population, isCrossValidated: true, at: "generated")
        #expect(evaluation.parts == [0, 1, 2, 3, 4])
        let recipes = try evaluation.parts.map { try Self.recipe(population, holding: $0) }
        #expect(Set(recipes.map(\.headWithoutData.bias)).count == 5)
        let report = try evaluation.run(recipes)
        #expect(report.config.parts == 5 && report.config.trainingUsers == 48)
        #expect(report.config.scoredUsers == population.users.count { $0.isEligible })
        let first = try PersonalizationEvaluation(population, at: "generated").run([recipes[0]])
        #expect(first.config.parts == 1 && first.config.scoredUsers < report.config.scoredUsers)
        // One penalty a method and size, the best over the users of all parts: one part's own would often be another.
        let parts = zip(population.scoredParts(5).splits, recipes).map { users, recipe in
            let (training, own) = users
            return (Baselines(training: training, validation: own, globalHead: recipe.headWithoutData), own)
        }
        var differing = 0
        for method in Baselines.Method.allCases {
            for size in [4, 8, 16, 32] {
                let rows = report.tables.methods.filter { $0.method == method.rawValue && $0.support == size }
                #expect(rows.map(\.penalty) == [Baselines.penalty(method, parts, support: size)])
                differing += rows[0].penalty == Baselines.penalty(method, [parts[0]], support: size) ? 0 : 1
            }
        }
        #expect(differing > 0)
    }

    @Test("users that cannot be scored are a problem, an example without text is one too")
    func refuses() throws {
        let short = SyntheticPopulation(seed: 1, items: 20, users: 5, examplesPerUser: 10)
        let users = (0..<5).map { short.user($0, withTexts: true) }
        let population = try MetaPopulation(users, at: "f") { Matrix(rows: $0.count, columns: 4, filledWith: 0.5) }
        do {
            _ = try PersonalizationEvaluation(population, at: "f")
            Issue.record("nobody to score")
        } catch { #expect(error.errorClass == "no_eligible_users") }
        do {
            _ = try MetaPopulation([short.user(0)], at: "f") { Matrix(rows: $0.count, columns: 4) }
            Issue.record("items without texts were taken")
        } catch let problem as Problem { #expect(problem.errorClass == "text_missing") }
    }
}
