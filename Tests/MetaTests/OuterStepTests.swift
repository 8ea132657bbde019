import Adapters
import Meta
import Tensor
import Testing

@Suite struct OuterStepTests {
    private let population = OuterLoopTests.population(users: 40, seed: 3)

    private func step(users: Int, shards: Int) throws -> OuterStep {
        var sampler = EpisodeSampler(
            population.users, .init(usersPerStep: users, supportSizes: [4, 8], queryCount: 16), seed: 9)
        let episodes = sampler.next()
        var random = RandomSource(seed: 2)
        let start = LinearHead(weights: (0..<20).map { _ in Float(random.normal()) / 10 }, bias: 0.1)
        return OuterStep(
            fold: 0, number: 1,
            parameters: MetaParameters(.plain(from: start, steps: 2), featureScale: 4, isIsotropic: false),
            shards: OuterStep.cut(try #require(episodes), into: shards), featureScale: 4,
            objective: OuterObjective(rankingShare: 0.5))
    }

    private func gradient(_ step: OuterStep) -> MetaParameters {
        step.sum(step.shards.indices.map { step.gradient(ofShard: $0, features: population.features) })
    }

    @Test("the sum over shards is the whole step's gradient", arguments: [(16, 4), (18, 4), (7, 3), (3, 8)])
    func sums(users: Int, shards: Int) throws {
        let whole = try gradient(step(users: users, shards: 1)).values
        let sum = try gradient(step(users: users, shards: shards)).values
        let largest = whole.map(abs).max() ?? 0
        let difference = zip(whole, sum).map { abs($0 - $1) }.max() ?? 0
        #expect(largest > 0.01 && difference < 2e-6 * largest, "\(difference) of \(largest)")
    }

    @Test("gradients are added in the order of their shards: in another one the last bits would be others")
    func addsInOrder() throws {
        let step = try step(users: 16, shards: 4)
        // A quarter of each: what is added to the largest is lost unless that has gone before.
        let gradients = ([4e8, 4, -4e8, 4] as [Float]).map { value in
            var gradient = MetaParameters(zerosLike: step.parameters)
            for index in gradient.values.indices { gradient.values[index] = value }
            return gradient
        }
        #expect(step.sum(gradients).values.allSatisfy { $0 == 1 })
        #expect(step.sum(gradients.reversed()).values.allSatisfy { $0 == 0 })
    }

    @Test("a cut depends on the number of episodes alone, keeps their order, and its parts differ by one at most")
    func cuts() throws {
        for users in 1...20 {
            let episodes = try step(users: users, shards: 1).shards[0]
            for shards in 1...6 {
                let parts = OuterStep.cut(episodes, into: shards)
                #expect(parts.count == min(shards, users) && parts.joined().map(\.support) == episodes.map(\.support))
                let sizes = parts.map(\.count)
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1 && !sizes.contains(0))
            }
        }
    }

    /// Hands out gradients in an order of its own.
    private struct Elsewhere: GradientSource {
        let features: Matrix
        var failsAt: Int?
        struct Lost: Error {}

        func gradients(of step: OuterStep) async throws -> [MetaParameters] {
            if step.fold == 1, step.number == failsAt { throw Lost() }
            await Task.yield()
            return step.shards.indices.reversed().map { step.gradient(ofShard: $0, features: features) }.reversed()
        }
    }

    private var settings: OuterSettings {
        var settings = OuterSettings()
        (settings.folds, settings.maximumSteps, settings.denseMinimumUsers) = (3, 60, 20)
        (settings.usersPerStep, settings.stepsPerCheckpoint) = (10, 10)
        return settings
    }

    @Test("gradients computed elsewhere, all folds at once, give the same bits")
    func learnsElsewhere() async throws {
        let loop = OuterLoop(population, settings: settings)
        let source = Elsewhere(features: population.features)
        var told: [OuterProgress] = []
        let learned = try await loop.learn(from: .zero(width: 20), resuming: [], gradients: source) { now, states in
            told.append(now)
            #expect(states[now.fold]?.best.loss == now.bestLoss)
        }
        #expect(learned == loop.learn(from: .zero(width: 20)))
        #expect(Set(told.map(\.fold)) == [0, 1, 2])
    }

    @Test("a fold that fails ends the others, and what was told goes on to the same rule")
    func failsElsewhere() async throws {
        let loop = OuterLoop(population, settings: settings)
        var last: [FoldState?] = []
        await #expect(throws: Elsewhere.Lost.self) {
            let source = Elsewhere(features: population.features, failsAt: 25)
            _ = try await loop.learn(from: .zero(width: 20), resuming: [], gradients: source) { _, now in last = now }
        }
        #expect(last.count == 3 && last[1]?.running?.step == 20)
        let source = Elsewhere(features: population.features)
        let learned = try await loop.learn(from: .zero(width: 20), resuming: last, gradients: source) { _, _ in }
        #expect(learned == loop.learn(from: .zero(width: 20)))
    }
}
