import Adapters
import Foundation
import Meta
import Tensor
import Testing

@Suite struct OuterLoopTests {
    /// Users whose tastes lie in a few directions of the features, which a dense `P` can learn to favour.
    static func population(users: Int, seed: UInt64, width: Int = 20, texts: Int = 300) -> MetaPopulation {
        var random = RandomSource(seed: seed)
        var features = Matrix(
            rows: texts, columns: width, values: (0..<texts * width).map { _ in Float(random.normal()) })
        for row in 0..<texts {
            let norm = features.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<width { features[row, column] /= norm }
        }
        let made = (0..<users).map { index in
            // Tastes use the first four features only; the others are noise that a plain step follows too.
            let taste = (0..<4).map { _ in Float(random.normal()) }
            let rows = (0..<72).map { _ in Int32(random.index(below: texts)) }
            let labels = rows.map { row -> Float in
                let score = (0..<4).reduce(0) { $0 + taste[$1] * features[Int(row), $1] }
                return Float(random.uniform()) < 1 / (1 + Foundation.exp(-8 * score)) ? 1 : 0
            }
            return MetaUser(id: "user \(index)", rows: rows, labels: labels, supportCount: 32)
        }
        return MetaPopulation(features: features, users: made)
    }

    private func settings() -> OuterSettings {
        var settings = OuterSettings()
        settings.folds = 2
        settings.maximumSteps = 150
        settings.tensorRate = 2e-2
        settings.denseMinimumUsers = 50
        return settings
    }

    private func meanAUC(_ population: MetaPopulation, _ rule: PreconditionedRule, support: Int) -> Double {
        let heads = population.heads(
            under: rule, settings: .unguarded(steps: 1, width: rule.width), support: support, unadapted: rule.start)
        return meanOverUsers(population.scores(under: heads).map(\.areaUnderCurve)) ?? 0
    }

    @Test("a learned rule beats the plain one on users it has not seen")
    func learns() {
        let population = Self.population(users: 160, seed: 31)
        let unseen = Self.population(users: 60, seed: 31 + 1)
        // Same taste directions, other users and texts.
        let head = fitGlobalHead(population, penalty: 5)
        let plain = PreconditionedRule.plain(from: head)
        let learned = OuterLoop(population, settings: settings()).learn(from: head)
        for size in [4, 8, 16] {
            let gain = meanAUC(unseen, learned, support: size) - meanAUC(unseen, plain, support: size)
            #expect(gain > 0.02, "S = \(size): \(gain)")
        }
    }

    @Test("the same seed gives the same numbers, another seed others")
    func isDeterministic() {
        let population = Self.population(users: 60, seed: 32)
        let head = fitGlobalHead(population, penalty: 5)
        var settings = settings()
        settings.maximumSteps = 50
        let one = OuterLoop(population, settings: settings).learn(from: head)
        #expect(OuterLoop(population, settings: settings).learn(from: head) == one)
        settings.seed = 2
        #expect(OuterLoop(population, settings: settings).learn(from: head) != one)
    }

    @Test("with few users the start stays the global head's and the preconditioner a multiple of the identity")
    func staysPlainWithFewUsers() {
        let population = Self.population(users: 40, seed: 33)
        let head = fitGlobalHead(population, penalty: 5)
        let learned = OuterLoop(population, settings: settings()).learn(from: head)
        #expect(zip(learned.start.weights, head.weights).allSatisfy { abs($0 - $1) < 1e-5 })
        guard case .isotropic = learned.preconditioner else {
            Issue.record("a dense matrix from 40 users")
            return
        }
    }

    @Test("progress is told at every checkpoint and may stop the work")
    func progressCanStop() {
        struct Stop: Error {}
        let population = Self.population(users: 60, seed: 34)
        var told: [OuterProgress] = []
        #expect(throws: Stop.self) {
            _ = try OuterLoop(population, settings: settings()).learn(from: .zero(width: 20)) { progress in
                told.append(progress)
                if told.count == 2 { throw Stop() }
            }
        }
        #expect(told.map(\.step) == [25, 50])
        #expect(told.allSatisfy { $0.bestLoss <= $0.loss && $0.folds == 2 })
    }
}

@Suite struct GlobalHeadTests {
    @Test("the fitted head is where the penalised loss has no slope")
    func isStationary() {
        let population = OuterLoopTests.population(users: 20, seed: 41)
        let head = fitGlobalHead(population, penalty: 2)
        var slope = head.weights.map { Double($0) * 2 }
        var biasSlope = 0.0
        let logits = head.logits(of: population.features)
        for user in population.users {
            for (row, label) in zip(user.rows, user.labels) {
                let residual = 1 / (1 + Foundation.exp(-Double(logits[Int(row)]))) - Double(label)
                for (column, value) in population.features.row(Int(row)).enumerated() {
                    slope[column] += residual * Double(value)
                }
                biasSlope += residual
            }
        }
        #expect(slope.allSatisfy { abs($0) < 2e-3 } && abs(biasSlope) < 2e-3)
    }

    @Test("without examples the head is zero, with one class it is finite")
    func degenerate() {
        let empty = MetaPopulation(features: .identity(3), users: [])
        #expect(fitGlobalHead(empty, penalty: 1) == .zero(width: 3))
        let oneClass = MetaPopulation(
            features: .identity(3), users: [MetaUser(id: "u", rows: [0, 1], labels: [1, 1], supportCount: 2)])
        #expect(fitGlobalHead(oneClass, penalty: 1).isFinite)
    }
}

@Suite struct ScoringTests {
    @Test("the area under the curve counts ordered pairs, ties half")
    func countsPairs() {
        #expect(ScoredQuery(logits: [1, 2, 3, 4], labels: [0, 0, 1, 1]).areaUnderCurve == 1)
        #expect(ScoredQuery(logits: [1, 2, 3, 4], labels: [1, 0, 1, 0]).areaUnderCurve == 0.25)
        #expect(ScoredQuery(logits: [2, 2, 2], labels: [1, 0, 1]).areaUnderCurve == 0.5)
        #expect(ScoredQuery(logits: [1, 1, 2], labels: [0, 1, 1]).areaUnderCurve == 0.75)
        #expect(ScoredQuery(logits: [1, 2], labels: [1, 1]).areaUnderCurve == nil)
    }

    @Test("users split by their id alone, a fifth of them for validation, folds even within the rest")
    func splits() {
        let ids = (0..<5000).map { "u-\($0)" }
        let parts = (0..<5).map { part in ids.filter { ScoringProtocol.isValidation($0, part: part) } }
        #expect(parts.flatMap(\.self).sorted() == ids.sorted())
        #expect(parts.allSatisfy { (900...1100).contains($0.count) })
        let rest = ids.filter { !ScoringProtocol.isValidation($0) }
        for fold in 0..<6 {
            #expect((580...760).contains(rest.count { ScoringProtocol.fold($0, of: 6) == fold }))
        }
    }

    @Test("support is what comes just before the query, the query at most 40 examples")
    func windows() {
        let user = MetaUser(
            id: "u", rows: (0..<100).map(Int32.init), labels: (0..<100).map { Float($0 % 2) }, supportCount: 50)
        #expect(user.support(4).rows == [46, 47, 48, 49])
        #expect(user.query.rows == (50..<90).map(Int32.init))
        #expect(user.isEligible)
        let late = MetaUser(id: "u", rows: user.rows, labels: user.labels, supportCount: 99)
        #expect(late.query.count == 1 && !late.isEligible)
        let early = MetaUser(id: "u", rows: user.rows, labels: user.labels, supportCount: 31)
        #expect(!early.isEligible && early.support(64).count == 31)
    }
}
