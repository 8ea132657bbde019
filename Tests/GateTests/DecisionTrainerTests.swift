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
            DecisionCase(state: [1, 0.5], gains: [0, 0.1, -0.1], harms: [false, false, true]),
            DecisionCase(state: [-0.3, 0.2], gains: [0, 0.01, 0.3], harms: [false, true, false]),
        ]
        let policy = policy(seed: 2)
        let trainer = DecisionTrainer()
        var exact = [Double](repeating: 0, count: policy.weights.count)
        for user in cases {
            let probabilities = policy.probabilities(for: user.state)
            for action in 0..<3 {
                let reward = trainer.reward(user, action, multiplier: 0.8, deviation: 0.1)
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
                    actions.map { trainer.reward(user, $0, multiplier: 0.8, deviation: 0.1) })
                for (action, advantage) in zip(actions, advantages) {
                    let slopes = CategoricalPolicy.logProbabilityGradient(of: action, probabilities)
                    policy.add(
                        slopes.map { $0 * advantage / Double(2 * draws * rounds) }, at: user.state, to: &mean)
                }
            }
        }
        for (one, other) in zip(mean, exact) { #expect(abs(one - other) < 0.02, "\(mean) against \(exact)") }
    }

    @Test("whom acting helps is acted on, whom it harms is not, and the budget holds where the state says little")
    func learns() {
        var random = RandomSource(seed: 4)
        func cases(_ count: Int, clarity: Double) -> [DecisionCase] {
            (0..<count).map { _ in
                // What acting in full gains; half as much by half.
                let gain = random.normal() * 0.1 + 0.03
                return DecisionCase(
                    state: [clarity * gain * 10 + (1 - clarity) * random.normal()],
                    gains: [0, gain / 2, gain], harms: [false, gain < -0.04, gain < -0.02])
            }
        }
        var settings = DecisionTrainer.Settings()
        settings.rounds = 120
        settings.harmBudget = 0.05
        let clear = DecisionTrainer(settings).train(cases(1000, clarity: 1)) { _, _ in }
        let unseen = cases(400, clarity: 1)
        let right = unseen.count { clear.action(for: $0.state) == ($0.gains[2] > 0 ? 2 : 0) }
        #expect(right > 360, "\(right) of 400")
        // Acting harms a third: within the budget hardly anybody is acted on in full.
        let dim = DecisionTrainer(settings).train(cases(1000, clarity: 0)) { _, _ in }
        let harmed = DecisionTrainer.outcome(of: dim, cases(400, clarity: 0)).harm
        #expect(harmed < 0.2)
        var free = settings
        free.harmBudget = 1
        let greedy = DecisionTrainer(free).train(cases(1000, clarity: 0)) { _, _ in }
        #expect(cases(400, clarity: 0).count { greedy.action(for: $0.state) == 2 } > 380)
    }
}
