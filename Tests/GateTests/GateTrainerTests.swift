import Gate
import Tensor
import Testing

/// Eight types of user; a quarter of the groups matters to each. A missing group that matters costs one, noise comes on top.
private struct GroupToy {
    let groups: Int
    let right: [[Bool]]

    init(groups: Int, seed: UInt64) {
        self.groups = groups
        var random = RandomSource(seed: seed)
        right = (0..<8).map { _ in
            let chosen = Set(random.permutation(groups).prefix(groups / 4))
            return (0..<groups).map(chosen.contains)
        }
    }

    func context(_ type: Int) -> GateTrainer.Context {
        GateTrainer.Context(id: type, state: (0..<8).map { $0 == type ? 1 : 0 })
    }

    func loss(_ trial: GateTrainer.Trial) -> Double {
        Double(zip(trial.mask, right[trial.id]).count { !$0 && $1 })
    }

    /// Groups decided rightly, over all types.
    func share(_ mask: (Int) -> [Bool]) -> Double {
        let decided = right.indices.reduce(0) { sum, type in
            sum + zip(mask(type), right[type]).count { $0 == $1 }
        }
        return Double(decided) / Double(right.count * groups)
    }
}

@Suite struct GateTrainerTests {
    private func train(
        _ toy: GroupToy, _ settings: GateTrainer.Settings, loss: (GateTrainer.Trial) -> Double
    ) -> GateTrainer.Outcome {
        GateTrainer(settings).train(GatePolicy(features: 8, groups: toy.groups)) { random in
            (0..<64).map { _ in toy.context(random.index(below: 8)) }
        } losses: {
            $0.map(loss)
        } progress: { _, _ in
        }
    }

    @Test(
        "four of sixteen groups matter to each type of user: the thresholded masks are 99 % right, however ratios are clipped",
        arguments: [(false, UInt64(1)), (false, 2), (true, 1)])
    func solvesToy(clipsEachGroup: Bool, seed: UInt64) {
        let toy = GroupToy(groups: 16, seed: seed)
        var settings = GateTrainer.Settings()
        (settings.clipsEachGroup, settings.seed) = (clipsEachGroup, seed)
        // A group costs half of what one that matters is worth, which is some 0.6 of the reward's deviation.
        (settings.rounds, settings.multiplier) = (60, 16 * 0.3)
        let outcome = train(toy, settings, loss: toy.loss)
        let share = toy.share { outcome.policy.mask(for: toy.context($0).state, threshold: 0.5) }
        #expect(share >= 0.99, "\(share) after \(outcome.evaluations)")
        #expect(outcome.evaluations == 60 * 64 * 9)
        #expect(toy.share { outcome.policy.mask(for: toy.context($0).state, keeping: 4) } >= 0.99)
        let (first, last) = (outcome.rounds[0], outcome.rounds[59])
        #expect(last.reward > first.reward && last.entropy < 0.5 * first.entropy)
        #expect(outcome.rounds.allSatisfy { $0.divergence >= 0 && (0...1).contains($0.clippedShare) })
    }

    @Test("the multiplier finds the price at which a budget is kept")
    func keepsBudget() {
        let toy = GroupToy(groups: 16, seed: 3)
        var settings = GateTrainer.Settings()
        (settings.rounds, settings.budget, settings.multiplier, settings.multiplierRate) = (80, 0.25, 0, 1)
        let outcome = train(toy, settings, loss: toy.loss)
        #expect(outcome.rounds[0].multiplier == 0)
        let last = outcome.rounds.suffix(10)
        #expect(last.allSatisfy { abs($0.cost - 0.25) < 0.1 && $0.multiplier > 1 }, "\(Array(last))")
    }

    @Test("a seed gives the same policy again, another seed another, and without users nothing is learned")
    func seeds() {
        let toy = GroupToy(groups: 16, seed: 1)
        var settings = GateTrainer.Settings()
        settings.rounds = 2
        let first = train(toy, settings, loss: toy.loss)
        #expect(train(toy, settings, loss: toy.loss) == first)
        settings.seed = 2
        #expect(train(toy, settings, loss: toy.loss).policy != first.policy)
        let none = GateTrainer(settings).train(GatePolicy(features: 1, groups: 2)) { _ in
            []
        } losses: { _ in
            []
        } progress: { _, _ in
        }
        #expect(none.evaluations == 0 && none.policy == GatePolicy(features: 1, groups: 2))
    }

    @Test("a loss that no mask changes moves no preference: what moves the policy is the price alone")
    func indifferent() {
        let toy = GroupToy(groups: 8, seed: 1)
        var settings = GateTrainer.Settings()
        (settings.rounds, settings.multiplier) = (20, 1)
        let outcome = train(toy, settings) { _ in 0.5 }
        #expect(outcome.rounds[19].cost < outcome.rounds[0].cost - 0.2)
        settings.multiplier = 0
        let idle = train(toy, settings) { _ in 0.5 }
        #expect(idle.rounds[19].cost > 0.4 && idle.rounds[19].cost < 0.6)
    }

    @Test("a policy's mask keeps the likeliest groups, the lower of equals, and at least one")
    func masks() {
        var policy = GatePolicy(features: 1, groups: 3)
        #expect(policy.mask(for: [5], keeping: 2) == [true, true, false])
        // Each group's weight and bias.
        policy.weights = [0, -2, 1, -1, -1, 0]
        #expect(policy.mask(for: [2], keeping: 1) == [false, true, false])
        #expect(policy.mask(for: [-2], keeping: 1) == [false, false, true])
        #expect(policy.mask(for: [0], threshold: 0.9) == [false, false, true])
        #expect(policy.mask(for: [0], threshold: 0.2) == [false, true, true])
        #expect(policy.distribution(for: [2]).logits == [-2, 1, -2])
    }
}
