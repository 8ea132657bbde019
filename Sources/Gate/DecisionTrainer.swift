import Foundation
import Tensor

/// One user as a decision is learned from: what the policy sees, and what each action would have come to.
public struct DecisionCase: Sendable, Equatable {
    /// `[features]`, of the support alone.
    public var state: [Double]
    /// What each action gains over the first, which changes nothing; in any unit, the same for all users.
    public var gains: [Double]
    /// Whether each action harms the user; the first harms nobody.
    public var harms: [Bool]

    /// Pairs a state with its outcomes.
    public init(state: [Double], gains: [Double], harms: [Bool]) {
        precondition(gains.count == harms.count && gains.first == 0 && harms.first == false, "the first does nothing")
        (self.state, self.gains, self.harms) = (state, gains, harms)
    }
}

/// Trains a ``CategoricalPolicy`` by PPO as a contextual bandit (Schulman et al. 2017, one step an episode, so neither discount
/// nor critic).
///
/// An action's reward is `gain(a) / s - λ harms(a)`: what it gains over doing nothing, in standard deviations of all gains seen, less
/// the price of a user who is worse off; and `λ <- max(0, λ + multiplierRate (share whom the likeliest actions harm / harmBudget - 1))`. Without
/// that price it is best on average to act on everybody in full. Of the rounds' policies the one is kept whose likeliest actions gain
/// most on all cases, among those that harm no more than the budget there.
public struct DecisionTrainer: Sendable {
    /// How a policy is trained.
    public struct Settings: Sendable, Equatable, Codable {
        /// Rounds of draws.
        public var rounds = 200
        /// Users of a round, at most all: those whom an action harms are few, and the price of harm is learned from them alone.
        public var users = 2048
        /// Draws of each.
        public var draws = 4
        /// Passes over a round's draws.
        public var epochs = 4
        /// Parts of a pass, a step each.
        public var minibatches = 4
        /// Adam's.
        public var rate = 3e-2
        /// The largest norm of a gradient.
        public var gradientNorm = 0.5
        /// `ε` of the clip.
        public var clipRange = 0.2
        /// What entropy is worth in the first round, falling linearly to nothing.
        public var entropyWeight = 0.01
        /// The share of users harmed that `λ` aims at.
        public var harmBudget = 0.02
        /// `λ` in the first round: a policy that has forgotten to do nothing hardly comes back to it.
        public var multiplierStart = 8.0
        /// How fast `λ` follows.
        public var multiplierRate = 0.3
        /// Seeds every draw.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// What a round came to.
    public struct Round: Sendable, Equatable, Codable {
        /// Mean reward of its draws.
        public var reward: Double
        /// Share of its draws that harmed.
        public var harm: Double
        /// `λ` it was judged with.
        public var multiplier: Double
        /// Mean of `(r - 1) - log r` over its steps.
        public var divergence: Double
        /// What the policy's likeliest actions gain on all cases afterwards, and whom they harm.
        public var policy = Outcome(gain: 0, harm: 0)
    }

    /// What actions come to.
    public struct Outcome: Sendable, Equatable, Codable {
        /// Mean gain over users.
        public var gain: Double
        /// Share of users harmed.
        public var harm: Double

        /// Whether it is to be preferred under a budget.
        func isBetter(than other: Outcome, budget: Double) -> Bool {
            let (fits, otherFits) = (harm <= budget, other.harm <= budget)
            return fits != otherFits ? fits : fits ? gain > other.gain : harm < other.harm
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
    ///   - progress: is told each round and its number; throws to stop.
    public func train<Failure>(
        _ cases: [DecisionCase], progress: (Int, Round) throws(Failure) -> Void
    ) throws(Failure) -> CategoricalPolicy {
        precondition(!cases.isEmpty, "nobody to learn from")
        var best: (policy: CategoricalPolicy, outcome: Outcome)?
        var random = RandomSource(seed: settings.seed)
        var policy = CategoricalPolicy(features: cases[0].state.count, actions: cases[0].gains.count)
        var (optimizer, spread, multiplier) = (
            Adam(count: policy.weights.count), RunningDeviation(), settings.multiplierStart
        )
        for number in 0..<settings.rounds {
            let users = random.permutation(cases.count).prefix(settings.users).map { cases[$0] }
            for user in users { for gain in user.gains.dropFirst() { spread.add(gain) } }
            var (draws, round) = collect(users, policy, multiplier, spread.deviation, &random)
            for (index, advantage) in Advantages.normalized(draws.map(\.advantage)).enumerated() {
                draws[index].advantage = advantage
            }
            let entropyWeight = settings.entropyWeight * (1 - Double(number) / Double(settings.rounds))
            round.divergence = improve(&policy, &optimizer, draws, users, entropyWeight, &random)
            round.policy = Self.outcome(of: policy, cases)
            let excess = round.policy.harm / max(settings.harmBudget, Self.leastBudget) - 1
            multiplier = max(0, multiplier + settings.multiplierRate * excess)
            if best.map({ round.policy.isBetter(than: $0.outcome, budget: settings.harmBudget) }) ?? true {
                best = (policy, round.policy)
            }
            try progress(number, round)
        }
        return best?.policy ?? policy
    }

    /// Stands in for a budget of nobody, which no share can be divided by.
    private static let leastBudget = 1e-3

    /// What a policy's likeliest actions come to.
    public static func outcome(of policy: CategoricalPolicy, _ cases: [DecisionCase]) -> Outcome {
        outcome(of: cases.map { policy.action(for: $0.state) }, cases)
    }

    /// What actions come to, one a user.
    public static func outcome(of actions: [Int], _ cases: [DecisionCase]) -> Outcome {
        let count = Double(max(cases.count, 1))
        return Outcome(
            gain: zip(cases, actions).reduce(0) { $0 + $1.0.gains[$1.1] } / count,
            harm: Double(zip(cases, actions).count { $0.harms[$1] }) / count)
    }

    /// An action's reward for a user.
    package func reward(_ user: DecisionCase, _ action: Int, multiplier: Double, deviation: Double) -> Double {
        user.gains[action] / deviation - (user.harms[action] ? multiplier : 0)
    }

    private func collect(
        _ users: [DecisionCase], _ policy: CategoricalPolicy, _ multiplier: Double, _ deviation: Double,
        _ random: inout RandomSource
    ) -> (draws: [Draw], round: Round) {
        var draws: [Draw] = []
        var (rewardSum, harmed) = (0.0, 0)
        for (index, user) in users.enumerated() {
            let probabilities = policy.probabilities(for: user.state)
            let actions = (0..<settings.draws).map { _ in Self.draw(probabilities, &random) }
            let rewards = actions.map { reward(user, $0, multiplier: multiplier, deviation: deviation) }
            rewardSum += rewards.reduce(0, +)
            harmed += actions.count { user.harms[$0] }
            draws += zip(actions, Advantages.leaveOneOut(rewards)).map { Draw(user: index, action: $0, advantage: $1) }
        }
        let count = Double(max(draws.count, 1))
        return (
            draws,
            Round(reward: rewardSum / count, harm: Double(harmed) / count, multiplier: multiplier, divergence: 0)
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
        _ entropyWeight: Double, _ random: inout RandomSource
    ) -> Double {
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
                    &policy.weights, gradient: gradient, rate: settings.rate, gradientNorm: settings.gradientNorm)
            }
        }
        return divergence / max(seen, 1)
    }
}
