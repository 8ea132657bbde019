import Foundation
import Tensor

/// One user as a decision is learned from: what the policy sees, and what each action would have come to.
public struct DecisionCase: Sendable, Equatable {
    /// `[features]`, of the support alone.
    public var state: [Double]
    /// What each action gains over the first, which changes nothing; in any unit, the same for all users.
    public var gains: [Double]
    /// How likely each action is to harm the user, within `0...1`; the first harms nobody.
    public var harms: [Double]
    /// Whose budget of harm the user counts against.
    public var group: Int

    /// Pairs a state with its outcomes.
    public init(state: [Double], gains: [Double], harms: [Double], group: Int = 0) {
        precondition(gains.count == harms.count && gains.first == 0 && harms.first == 0, "the first does nothing")
        (self.state, self.gains, self.harms, self.group) = (state, gains, harms, group)
    }
}

/// Trains a ``CategoricalPolicy`` by PPO as a contextual bandit (Schulman et al. 2017, one step an episode, so neither discount
/// nor critic).
///
/// An action's reward is `gain(a) / s - λ_g harm(a)`: what it gains over doing nothing, in standard deviations of all gains seen, less
/// the price of harm in the user's group; and `λ_g <- λ_g exp(multiplierRate (harm_g / harmBudgets[g] - 1))`, where `harm_g` is the
/// mean harm of the likeliest actions; what is over a budget counts five times it at most, and `λ` stays within .01 and 100. Without
/// that price it is best on average to act on everybody in full. Of the rounds' policies the one is kept whose likeliest actions gain
/// most on all cases, among those that harm no group more than its budget there.
public struct DecisionTrainer: Sendable {
    /// How a policy is trained.
    public struct Settings: Sendable, Equatable, Codable {
        /// Rounds of draws.
        public var rounds = 300
        /// Users of a round, at most all: those whom an action harms are few, and the price of harm is learned from them alone.
        public var users = 2048
        /// Draws of each.
        public var draws = 4
        /// Passes over a round's draws.
        public var epochs = 4
        /// Parts of a pass, a step each.
        public var minibatches = 4
        /// Adam's in the first round, falling linearly to a tenth.
        public var rate = 3e-2
        /// The largest norm of a gradient.
        public var gradientNorm = 0.5
        /// `ε` of the clip.
        public var clipRange = 0.2
        /// What entropy is worth in the first round, falling linearly to nothing.
        public var entropyWeight = 0.01
        /// The mean harm of each group's users that its `λ` aims at.
        public var harmBudgets = [0.02]
        /// `λ` in the first round: a policy that has forgotten to do nothing hardly comes back to it.
        public var multiplierStart = 8.0
        /// How fast `λ` follows.
        public var multiplierRate = 0.1
        /// Seeds every draw.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// What a round came to.
    public struct Round: Sendable, Equatable, Codable {
        /// Mean reward of its draws.
        public var reward: Double
        /// Mean harm of its draws.
        public var harm: Double
        /// `λ` it was judged with, one a group.
        public var multipliers: [Double]
        /// Mean of `(r - 1) - log r` over its steps.
        public var divergence: Double
        /// What the policy's likeliest actions come to on all cases afterwards.
        public var policy = Outcome(gain: 0, harms: [])
    }

    /// What actions come to.
    public struct Outcome: Sendable, Equatable, Codable {
        /// Mean gain over users.
        public var gain: Double
        /// Mean harm of each group's users.
        public var harms: [Double]

        /// States what they came to.
        public init(gain: Double, harms: [Double]) { (self.gain, self.harms) = (gain, harms) }

        /// By how much more than it may it harms, as shares of the budgets, summed over groups. A hundredth more is none.
        func excess(over budgets: [Double]) -> Double {
            zip(harms, budgets).reduce(0) { $0 + max($1.0 / max($1.1, DecisionTrainer.leastBudget) - 1.01, 0) }
        }

        /// Whether it is to be preferred under budgets: by gain where both keep them, else by how far they are over them.
        public func isBetter(than other: Outcome, budgets: [Double]) -> Bool {
            let (own, others) = (excess(over: budgets), other.excess(over: budgets))
            return own == others ? gain > other.gain : own < others
        }
    }

    private struct Draw {
        let user: Int
        let action: Int
        var advantage: Double
    }

    private let settings: Settings
    private let surrogate: ClippedSurrogate

    /// A trainer.
    public init(_ settings: Settings = Settings()) {
        self.settings = settings
        var surrogate = ClippedSurrogate()
        surrogate.range = settings.clipRange
        self.surrogate = surrogate
    }

    /// Trains a policy.
    ///
    /// - Parameters:
    ///   - cases: users whom the rule that acted on them was not learned from; not empty, all of one shape.
    ///   - start: the policy to go on from; nil: all actions alike.
    ///   - progress: is told each round and its number; throws to stop.
    public func train<Failure>(
        _ cases: [DecisionCase], from start: CategoricalPolicy? = nil, progress: (Int, Round) throws(Failure) -> Void
    ) throws(Failure) -> CategoricalPolicy {
        precondition(!cases.isEmpty, "nobody to learn from")
        var random = RandomSource(seed: settings.seed)
        var policy = start ?? CategoricalPolicy(features: cases[0].state.count, actions: cases[0].gains.count)
        var best = (policy: policy, outcome: outcome(of: policy, cases))
        var (optimizer, spread) = (Adam(count: policy.weights.count), RunningDeviation())
        var multipliers = settings.harmBudgets.map { _ in settings.multiplierStart }
        for number in 0..<settings.rounds {
            let users = random.permutation(cases.count).prefix(settings.users).map { cases[$0] }
            for user in users { for gain in user.gains.dropFirst() { spread.add(gain) } }
            var (draws, round) = collect(users, policy, multipliers, spread.deviation, &random)
            for (index, advantage) in Advantages.normalized(draws.map(\.advantage)).enumerated() {
                draws[index].advantage = advantage
            }
            let progressed = Double(number) / Double(settings.rounds)
            round.divergence = improve(&policy, &optimizer, draws, users, progressed, &random)
            round.policy = outcome(of: policy, cases)
            for (group, budget) in settings.harmBudgets.enumerated() {
                let excess = round.policy.harms[group] / max(budget, Self.leastBudget) - 1
                let next = multipliers[group] * exp(settings.multiplierRate * min(excess, Self.largestExcess))
                multipliers[group] = min(max(next, Self.multipliers.lowerBound), Self.multipliers.upperBound)
            }
            if round.policy.isBetter(than: best.outcome, budgets: settings.harmBudgets) {
                best = (policy, round.policy)
            }
            try progress(number, round)
        }
        return best.policy
    }

    /// Stands in for a budget of nobody, which no share can be divided by.
    fileprivate static let leastBudget = 1e-3
    /// What harm over its budget counts for at most in one round.
    private static let largestExcess = 5.0
    /// Where `λ` stays: at nothing it could not grow again.
    private static let multipliers = 0.01...100.0

    /// What a policy's likeliest actions come to.
    public func outcome(of policy: CategoricalPolicy, _ cases: [DecisionCase]) -> Outcome {
        Self.outcome(of: cases.map { policy.action(for: $0.state) }, cases, groups: settings.harmBudgets.count)
    }

    /// What actions come to, one a user.
    public static func outcome(of actions: [Int], _ cases: [DecisionCase], groups: Int) -> Outcome {
        var (gain, harms, counts) = (0.0, [Double](repeating: 0, count: groups), [Double](repeating: 0, count: groups))
        for (user, action) in zip(cases, actions) {
            gain += user.gains[action]
            harms[user.group] += user.harms[action]
            counts[user.group] += 1
        }
        return Outcome(gain: gain / Double(max(cases.count, 1)), harms: zip(harms, counts).map { $0 / max($1, 1) })
    }

    /// An action's reward for a user.
    package func reward(_ user: DecisionCase, _ action: Int, multipliers: [Double], deviation: Double) -> Double {
        user.gains[action] / deviation - multipliers[user.group] * user.harms[action]
    }

    private func collect(
        _ users: [DecisionCase], _ policy: CategoricalPolicy, _ multipliers: [Double], _ deviation: Double,
        _ random: inout RandomSource
    ) -> (draws: [Draw], round: Round) {
        var draws: [Draw] = []
        var (rewardSum, harmSum) = (0.0, 0.0)
        for (index, user) in users.enumerated() {
            let probabilities = policy.probabilities(for: user.state)
            let actions = (0..<settings.draws).map { _ in Self.draw(probabilities, &random) }
            let rewards = actions.map { reward(user, $0, multipliers: multipliers, deviation: deviation) }
            rewardSum += rewards.reduce(0, +)
            harmSum += actions.reduce(0) { $0 + user.harms[$1] }
            draws += zip(actions, Advantages.leaveOneOut(rewards)).map { Draw(user: index, action: $0, advantage: $1) }
        }
        let count = Double(max(draws.count, 1))
        return (
            draws,
            Round(reward: rewardSum / count, harm: harmSum / count, multipliers: multipliers, divergence: 0)
        )
    }

    private static func draw(_ probabilities: [Double], _ random: inout RandomSource) -> Int {
        var left = random.uniform()
        for (action, probability) in probabilities.enumerated() {
            left -= probability
            if left < 0 { return action }
        }
        return probabilities.count - 1
    }

    /// Some epochs of steps over a round's draws; what they were drawn from stays what it was.
    private func improve(
        _ policy: inout CategoricalPolicy, _ optimizer: inout Adam, _ draws: [Draw], _ users: [DecisionCase],
        _ progressed: Double, _ random: inout RandomSource
    ) -> Double {
        let rate = settings.rate * (1 - 0.9 * progressed)
        let entropyWeight = settings.entropyWeight * (1 - progressed)
        let old = users.map { policy.probabilities(for: $0.state) }
        var (divergence, seen) = (0.0, 0.0)
        for _ in 0..<settings.epochs {
            let order = random.permutation(draws.count)
            for part in 0..<settings.minibatches {
                let (first, last) = (
                    part * order.count / settings.minibatches, (part + 1) * order.count / settings.minibatches
                )
                guard first < last else { continue }
                var gradient = [Double](repeating: 0, count: policy.weights.count)
                for index in order[first..<last] {
                    let draw = draws[index]
                    let state = users[draw.user].state
                    let new = policy.probabilities(for: state)
                    let ratio = new[draw.action] / old[draw.user][draw.action]
                    let term = surrogate.clipped(ratio, draw.advantage)
                    let scores = CategoricalPolicy.logProbabilityGradient(of: draw.action, new)
                    let entropy = CategoricalPolicy.entropyGradient(new)
                    let share = 1 / Double(last - first)
                    policy.add(
                        zip(scores, entropy).map { share * (term.slope * $0 - entropyWeight * $1) }, at: state,
                        to: &gradient)
                    (divergence, seen) = (divergence + ratio - 1 - log(ratio), seen + 1)
                }
                optimizer.step(
                    &policy.weights, gradient: gradient, rate: rate, gradientNorm: settings.gradientNorm)
            }
        }
        return divergence / max(seen, 1)
    }
}
