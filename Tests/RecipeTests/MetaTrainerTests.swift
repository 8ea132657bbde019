import Adapters
import Foundation
import Meta
import Model
import Problem
import Recipe
import Tensor
import Testing

@Suite struct MetaTrainerTests {
    /// Users with tastes in a few directions of random unit features.
    ///
    /// - Parameter unseen: how much of a taste is for texts by themselves, whatever their features.
    static func population(users: Int, unseen: Float = 0) -> MetaPopulation {
        var random = RandomSource(seed: 5)
        let (width, texts) = (16, 200)
        var features = Matrix(
            rows: texts, columns: width, values: (0..<texts * width).map { _ in Float(random.normal()) })
        for row in 0..<texts {
            let norm = features.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<width { features[row, column] /= norm }
        }
        return MetaPopulation(
            features: features,
            users: (0..<users).map { index in
                let taste = (0..<3).map { _ in Float(random.normal()) }
                let side: Float = index % 2 == 0 ? 1 : -1
                let rows = (0..<72).map { _ in Int32(random.index(below: texts)) }
                let labels = rows.map { row -> Float in
                    let told = (0..<3).reduce(0) { $0 + taste[$1] * features[Int(row), $1] }
                    let score = told + (row % 2 == 0 ? unseen : -unseen) * side
                    return Float(random.uniform()) < 1 / (1 + Foundation.exp(-8 * score)) ? 1 : 0
                }
                return MetaUser(id: "u\(index)", rows: rows, labels: labels, supportCount: 32)
            }, textDigests: (0..<texts).map { TextDigest(of: "text \($0)") })
    }

    @Test("with side features what texts do not say is learned from users, and told; without use they are left out")
    func sideFeatures() throws {
        func train(_ people: MetaPopulation, sides: ItemVectorSettings?) throws -> (Recipe, [MetaTrainingProgress]) {
            var told: [MetaTrainingProgress] = []
            let recipe = try MetaTrainer(people, outer: quick, sides: sides, at: "users.jsonl")
                .train(name: "r", baseDigest: "b") { told.append($0) }
            return (recipe, told)
        }
        let people = Self.population(users: 160, unseen: 0.3)
        let (plain, _) = try train(people, sides: nil)
        let (recipe, told) = try train(people, sides: ItemVectorSettings())
        #expect(plain.items == nil && recipe.items?.count == 64 && recipe.width == 80 && recipe.baseWidth == 16)
        #expect(recipe.textOnly.rule == plain.rule && recipe.basis?.width == 80)
        #expect(told.contains { if case .items(200, let scale) = $0 { scale > 0 } else { false } })
        let gains = zip(recipe.validation.rows, plain.validation.rows).map { $0.areaUnderCurve - $1.areaUnderCurve }
        // The head without data is the same; every support size is served better.
        #expect(gains[..<4].allSatisfy { $0 == 0 } && gains[4...].allSatisfy { $0 > 0.02 }, "\(gains)")
        #expect(try Recipe(decoding: recipe.encode(), at: "r") == recipe)

        var useless = ItemVectorSettings()
        useless.scales = [1000]
        let (left, toldLeft) = try train(people, sides: useless)
        #expect(left == plain && toldLeft.contains(.items(texts: 0, scale: 0)))
    }

    private var quick: OuterSettings {
        var settings = OuterSettings()
        settings.folds = 2
        settings.maximumSteps = 75
        settings.tensorRate = 1e-2
        return settings
    }

    @Test("users in, recipe out: adapting serves validation users better than the head for everyone")
    func trains() throws {
        var told: [MetaTrainingProgress] = []
        let recipe = try MetaTrainer(Self.population(users: 200), outer: quick, at: "users.jsonl").train(
            name: "r", baseDigest: "b"
        ) { told.append($0) }
        #expect(recipe.name == "r" && recipe.baseDigest == "b" && recipe.width == 16)
        #expect(recipe.validation.users > 20)
        let rows = recipe.validation.rows
        #expect(rows.map(\.steps) == [0, 0, 0, 0, 1, 1, 1, 1] && rows.map(\.support) == [4, 8, 16, 32, 4, 8, 16, 32])
        for index in 0..<4 { #expect(rows[index + 4].areaUnderCurve > rows[index].areaUnderCurve + 0.03) }
        #expect(rows[7].areaUnderCurve > rows[4].areaUnderCurve)
        #expect(recipe.basis?.count == 16 && recipe.basis?.precision == .int8, "as many directions as features")
        #expect(told.contains(.basis(directions: 16, precision: .int8)))
        let validated = told.compactMap { if case .validated(let row) = $0 { row } else { nil } }
        #expect(validated == rows)
        guard case .globalHead = told.first else {
            Issue.record("the head for everyone comes first")
            return
        }
        #expect(try Recipe(decoding: recipe.encode(), at: "r") == recipe)
    }

    @Test("the small-support gain is what two examples gained, so that it may trust or refuse them")
    func measuresSmallSupports() throws {
        let recipe = try MetaTrainer(Self.population(users: 120), outer: quick, at: "f").train(
            name: "r", baseDigest: "b"
        ) {
            _ in
        }
        let gain = try #require(recipe.settings.guarding).smallSupportGain
        #expect(gain.isFinite && gain > 0 && gain < 0.1)
    }

    @Test("few users' differences do not span the next one's: rows are stored")
    func storesRows() throws {
        let recipe = try MetaTrainer(Self.population(users: 60), outer: quick, at: "f").train(
            name: "r", baseDigest: "b"
        ) {
            _ in
        }
        #expect(recipe.basis == nil && recipe.settings.rowBudget == 10)
        guard case .rows = recipe.form else {
            Issue.record("\(recipe.form)")
            return
        }
    }

    @Test("too few users are refused")
    func refusesFewUsers() {
        do {
            _ = try MetaTrainer(Self.population(users: 6), at: "users.jsonl")
            Issue.record("trained on six users")
        } catch {
            #expect(error.errorClass == "too_few_users" && error.location == "users.jsonl")
        }
    }
}
