import Foundation
import Gate
import Tensor
import Testing

@Suite struct DecisionTrainerTests {
    private func policy(seed: UInt64, features: Int = 2, actions: Int = 3) -> CategoricalPolicy {
        var random = RandomSource(seed: seed)
        var policy = CategoricalPolicy(features: features, actions: actions)
        for index in policy.weights.indices { policy.weights[index] = 0.7 * random.normal() }
        return policy
    }

    @Test("probabilities and entropy have the gradients they say, against central differences")
    func gradients() {
        let (policy, state) = (policy(seed: 1), [0.4, -1.1])
        let probabilities = policy.probabilities(for: state)
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-12)
        let step = 1e-5
        for action in 0..<3 {
            // A bias moves its action's logit alone.
            var (above, below) = (policy, policy)
            above.weights[action * 3 + 2] += step
            below.weights[action * 3 + 2] -= step
            let (up, down) = (above.probabilities(for: state), below.probabilities(for: state))
            for of in 0..<3 {
                let numeric = (log(up[of]) - log(down[of])) / (2 * step)
                let exact = CategoricalPolicy.logProbabilityGradient(of: of, probabilities)[action]
                #expect(abs(numeric - exact) < 1e-8)
            }
            let numeric = (CategoricalPolicy.entropy(up) - CategoricalPolicy.entropy(down)) / (2 * step)
            #expect(abs(numeric - CategoricalPolicy.entropyGradient(probabilities)[action]) < 1e-8)
        }
    }

    @Test("the sampled gradient is, on average, that of the expected reward over all actions")
    func isUnbiased() {
        let cases = [
            DecisionCase(state: [1, 0.5], gains: [0, 0.1, -0.1], harms: [0, 0, 0.9]),
            DecisionCase(state: [-0.3, 0.2], gains: [0, 0.01, 0.3], harms: [0, 0.6, 0], group: 1),
        ]
        let policy = policy(seed: 2)
        let trainer = DecisionTrainer()
        var exact = [Double](repeating: 0, count: policy.weights.count)
        for user in cases {
            let probabilities = policy.probabilities(for: user.state)
            for action in 0..<3 {
                let reward = trainer.reward(user, action, multipliers: [0.8, 0.3], deviation: 0.1)
                let slopes = CategoricalPolicy.logProbabilityGradient(of: action, probabilities)
                policy.add(slopes.map { $0 * reward * probabilities[action] / 2 }, at: user.state, to: &exact)
            }
        }
        var random = RandomSource(seed: 3)
        var mean = [Double](repeating: 0, count: exact.count)
        let (rounds, draws) = (20000, 4)
        for user in cases {
            let probabilities = policy.probabilities(for: user.state)
            for _ in 0..<rounds {
                let actions = (0..<draws).map { _ in
                    let noise = random.uniform()
                    return noise < probabilities[0] ? 0 : noise < probabilities[0] + probabilities[1] ? 1 : 2
                }
                let advantages = Advantages.leaveOneOut(
                    actions.map { trainer.reward(user, $0, multipliers: [0.8, 0.3], deviation: 0.1) })
                for (action, advantage) in zip(actions, advantages) {
                    let slopes = CategoricalPolicy.logProbabilityGradient(of: action, probabilities)
                    policy.add(
                        slopes.map { $0 * advantage / Double(2 * draws * rounds) }, at: user.state, to: &mean)
                }
            }
        }
        for (one, other) in zip(mean, exact) { #expect(abs(one - other) < 0.02, "\(mean) against \(exact)") }
    }

    /// What acting in full gains is seen as clearly as said; half as much by half, and each harms those it costs most.
    private func cases(_ count: Int, clarity: Double, group: Int = 0, seed: UInt64) -> [DecisionCase] {
        var random = RandomSource(seed: seed)
        return (0..<count).map { _ in
            let gain = random.normal() * 0.1 + 0.03
            return DecisionCase(
                state: [clarity * gain * 10 + (1 - clarity) * random.normal(), Double(group)],
                gains: [0, gain / 2, gain], harms: [0, gain < -0.04 ? 1 : 0, gain < -0.02 ? 1 : 0], group: group)
        }
    }

    @Test("whom acting helps is acted on, whom it harms is not, and the budget holds where the state says little")
    func learns() {
        var settings = DecisionTrainer.Settings()
        settings.rounds = 120
        settings.harmBudgets = [0.05]
        let clear = DecisionTrainer(settings).train(cases(1000, clarity: 1, seed: 4)) { _, _ in }
        let unseen = cases(400, clarity: 1, seed: 5)
        let right = unseen.count { clear.action(for: $0.state) == ($0.gains[2] > 0 ? 2 : 0) }
        #expect(right > 360, "\(right) of 400")
        // Acting harms a third: within the budget hardly anybody is acted on in full.
        let trainer = DecisionTrainer(settings)
        let dim = trainer.train(cases(1000, clarity: 0, seed: 6)) { _, _ in }
        #expect(trainer.outcome(of: dim, cases(400, clarity: 0, seed: 7)).harms[0] < 0.2)
        var free = settings
        free.harmBudgets = [1]
        let greedy = DecisionTrainer(free).train(cases(1000, clarity: 0, seed: 8)) { _, _ in }
        #expect(cases(400, clarity: 0, seed: 9).count { greedy.action(for: $0.state) == 2 } > 380)
    }

    @Test(
        "each group has a budget of its own, and what training goes on from is kept until something is better within them"
    )
    func keepsGroupsApart() {
        let all = cases(800, clarity: 0.4, seed: 10) + cases(800, clarity: 0.4, group: 1, seed: 11)
        var settings = DecisionTrainer.Settings()
        settings.rounds = 120
        settings.harmBudgets = [0.02, 0.5]
        var history: [DecisionTrainer.Round] = []
        let trainer = DecisionTrainer(settings)
        let policy = trainer.train(all) { _, round in history.append(round) }
        let harms = trainer.outcome(of: policy, all).harms
        #expect(harms[0] < 0.04 && harms[1] > 0.1, "\(harms)")
        #expect(history[119].multipliers[0] > history[119].multipliers[1])
        // Nothing may harm: whatever acts is over its budget, so a policy that does nothing stays.
        var idle = CategoricalPolicy(features: 2, actions: 3)
        for action in 1..<3 { idle.weights[action * 3 + 2] = -4 }
        settings.harmBudgets = [0, 0]
        let kept = DecisionTrainer(settings).train(all, from: idle) { _, _ in }
        #expect(all.allSatisfy { kept.action(for: $0.state) == 0 || $0.harms[kept.action(for: $0.state)] == 0 })
    }

    @Test("budgets come first, gain after; a hundredth over one is none")
    func prefers() {
        func outcome(_ gain: Double, _ harms: [Double]) -> DecisionTrainer.Outcome { .init(gain: gain, harms: harms) }
        let budgets = [0.1, 0.2]
        #expect(outcome(1, [0.1, 0.2]).isBetter(than: outcome(0.9, [0, 0]), budgets: budgets))
        #expect(outcome(1, [0.1009, 0.2]).isBetter(than: outcome(0.9, [0, 0]), budgets: budgets))
        #expect(!outcome(2, [0.12, 0.1]).isBetter(than: outcome(0.1, [0.1, 0.2]), budgets: budgets))
        #expect(outcome(0.1, [0.12, 0.1]).isBetter(than: outcome(2, [0.1, 0.25]), budgets: budgets))
    }
}
