import Adapters
import Foundation
import Meta
import Tensor
import Testing

@Suite struct OuterGradientTests {
    /// Small ragged episodes whose numbers are of order 1.
    private func batch(width: Int, seed: UInt64) -> EpisodeBatch {
        var random = RandomSource(seed: seed)
        let features = Matrix(
            rows: 30, columns: width, values: (0..<30 * width).map { _ in Float(0.7 * random.normal()) })
        func users(_ sizes: [Int]) -> OwnedExamples {
            OwnedExamples(
                sizes.map { size in
                    UserSupport(
                        rows: (0..<size).map { _ in Int32(random.index(below: 30)) },
                        labels: (0..<size).map { _ in Float(random.index(below: 2)) })
                }, from: features, scale: 1.3)
        }
        return EpisodeBatch(support: users([4, 6, 3]), query: users([5, 2, 7]))
    }

    private func parameters(width: Int, steps: Int, isIsotropic: Bool, seed: UInt64) -> MetaParameters {
        var random = RandomSource(seed: seed)
        var parameters = MetaParameters(width: width, steps: steps, isIsotropic: isIsotropic)
        for index in parameters.values.indices { parameters.values[index] = Float(0.5 * random.normal()) }
        return parameters
    }

    @Test(
        "the gradient through every inner step agrees with central differences",
        arguments: [(1, false, 0), (1, false, 1), (2, false, 0.5), (3, false, 0.5), (1, true, 0), (3, true, 0.5)])
    func agreesWithDifferences(steps: Int, isIsotropic: Bool, rankingShare: Float) {
        let objective = OuterObjective(rankingShare: rankingShare)
        let width = 6
        let batch = batch(width: width, seed: 21)
        let parameters = parameters(width: width, steps: steps, isIsotropic: isIsotropic, seed: 22)
        let gradient = OuterGradient(parameters, batch, objective).evaluate().gradient
        for index in parameters.values.indices {
            let step: Float = 1e-2
            var moved = parameters
            moved.values[index] = parameters.values[index] + step
            let above = Double(OuterGradient(moved, batch, objective).evaluate().loss)
            moved.values[index] = parameters.values[index] - step
            let below = Double(OuterGradient(moved, batch, objective).evaluate().loss)
            let numeric = (above - below) / Double(2 * step)
            let exact = Double(gradient.values[index])
            // Float losses are good to 1e-7, so their differences to 1e-5; curvature adds as much.
            #expect(
                abs(numeric - exact) < 2e-4 + 2e-3 * abs(exact), "parameter \(index): \(numeric) against \(exact)")
        }
    }

    @Test("the loss is that of the users' queries under the adapted heads")
    func lossIsTheProducts() throws {
        let world = World(seed: 23, steps: 2, users: [8, 6])
        let parameters = MetaParameters(world.rule, featureScale: 1, isIsotropic: false)
        let query = [
            UserSupport(rows: [1, 2, 3], labels: [1, 0, 1]), UserSupport(rows: [9, 8], labels: [0, 1]),
        ]
        let loss = OuterGradient(
            parameters,
            EpisodeBatch(
                support: OwnedExamples(world.users, from: world.features, scale: 1),
                query: OwnedExamples(query, from: world.features, scale: 1)), OuterObjective(rankingShare: 0)
        ).evaluate().loss
        var expected = 0.0
        for (user, asked) in zip(world.users, query) {
            let (weights, bias) = world.primal(user)
            for (row, label) in zip(asked.rows, asked.labels) {
                var z = Double(world.rule.start.bias) + bias
                for (column, value) in world.features.row(Int(row)).enumerated() {
                    z += Double(value) * (Double(world.rule.start.weights[column]) + weights[column])
                }
                expected += Foundation.log(1 + Foundation.exp(label == 1 ? -z : z)) / Double(2 * asked.count)
            }
        }
        #expect(abs(Double(loss) - expected) < 1e-5)
    }

    @Test("the objective is what it says, by hand: two positives, one negative, and one class only")
    func objectiveByHand() {
        let softplus = { (x: Double) in Foundation.log(1 + Foundation.exp(x)) }
        let query = ScoredQuery(logits: [1, -0.5, 2], labels: [1, 0, 1])
        let logLoss = (softplus(-1) + softplus(-0.5) + softplus(-2)) / 3
        let ranking = (softplus(-1.5) + softplus(-2.5)) / 2
        for share in [0, 0.25, 1] {
            let expected = (1 - share) * logLoss + share * ranking
            #expect(abs(query.loss(OuterObjective(rankingShare: Float(share))) - expected) < 1e-6)
        }
        let oneClass = ScoredQuery(logits: [1, 2], labels: [1, 1])
        #expect(oneClass.loss(OuterObjective(rankingShare: 1)) == 0)
        #expect(abs(oneClass.loss(OuterObjective(rankingShare: 0)) - oneClass.meanLoss) < 1e-6)
    }

    @Test("a rule survives the way through meta-parameters at any feature scale")
    func foldsTheScale() {
        let world = World(seed: 24, steps: 2)
        for scale: Float in [1, 4] {
            let parameters = MetaParameters(world.rule, featureScale: scale, isIsotropic: false)
            let rule = parameters.rule(featureScale: scale)
            #expect(rule == world.rule)
        }
        let plain = PreconditionedRule.plain(from: world.rule.start, steps: 3)
        #expect(MetaParameters(plain, featureScale: 4, isIsotropic: true).rule(featureScale: 4) == plain)
    }

    @Test("adapting at a folded scale equals learning at that scale")
    func scaledFeaturesAreFolded() throws {
        // The outer loop learns on features times 4; a user is served on unit features with the folded rule.
        let world = World(seed: 25, users: [6])
        let parameters = MetaParameters(world.rule, featureScale: 4, isIsotropic: false)
        let query = UserSupport(rows: [4, 5], labels: [1, 0])
        let learned = OuterGradient(
            parameters,
            EpisodeBatch(
                support: OwnedExamples(world.users, from: world.features, scale: 4),
                query: OwnedExamples([query], from: world.features, scale: 4)), OuterObjective(rankingShare: 0)
        ).evaluate().loss
        let delta = try #require(
            adapt(world.batch, with: world.rule, settings: .unguarded(steps: 1, width: world.width))[0].delta)
        let logits = delta.applied(to: world.rule.start).logits(of: world.features)
        let served = ScoredQuery(logits: [logits[4], logits[5]], labels: query.labels).meanLoss
        #expect(abs(Double(learned) - served) < 1e-2)
    }
}
