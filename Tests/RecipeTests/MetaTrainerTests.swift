import Adapters
import Foundation
import Meta
import Problem
import Recipe
import Tensor
import Testing

@Suite struct MetaTrainerTests {
    /// Users with tastes in a few directions of random unit features.
    private func population(users: Int) -> MetaPopulation {
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
                let rows = (0..<72).map { _ in Int32(random.index(below: texts)) }
                let labels = rows.map { row -> Float in
                    let score = (0..<3).reduce(0) { $0 + taste[$1] * features[Int(row), $1] }
                    return Float(random.uniform()) < 1 / (1 + Foundation.exp(-8 * score)) ? 1 : 0
                }
                return MetaUser(id: "u\(index)", rows: rows, labels: labels, supportCount: 32)
            })
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
        let recipe = try MetaTrainer(population(users: 200), outer: quick, at: "users.jsonl").train(
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
        let recipe = try MetaTrainer(population(users: 120), outer: quick, at: "f").train(name: "r", baseDigest: "b") {
            _ in
        }
        let gain = try #require(recipe.settings.guarding).smallSupportGain
        #expect(gain.isFinite && gain > 0 && gain < 0.1)
    }

    @Test("few users' differences do not span the next one's: rows are stored")
    func storesRows() throws {
        let recipe = try MetaTrainer(population(users: 60), outer: quick, at: "f").train(name: "r", baseDigest: "b") {
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
            _ = try MetaTrainer(population(users: 6), at: "users.jsonl")
            Issue.record("trained on six users")
        } catch {
            #expect(error.errorClass == "too_few_users" && error.location == "users.jsonl")
        }
    }
}
