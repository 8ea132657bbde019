public import Tensor

/// Trains a ``GatePolicy`` by PPO as a contextual bandit: one action a user, several draws of it, each judged by adapting under it.
///
/// With `L(m)` the query loss after adapting under mask `m` and `1` the mask of all groups, a draw's reward is
/// `-(L(m) - L(1)) / s - λ cost(m)`: `s` the running standard deviation of the first term, `cost` the share of groups kept,
/// `λ <- max(0, λ + multiplierRate (mean cost - budget))`.
public struct GateTrainer: Sendable {
    /// How a policy is trained.
    public struct Settings: Sendable, Equatable, Codable {
        /// Rounds of draws.
        public var rounds = 30
        /// Draws of each user of a round.
        public var draws = 8
        /// Passes over a round's draws.
        public var epochs = 4
        /// Parts of a pass, a step each.
        public var minibatches = 4
        /// Adam's; a hundred times what is usual where there are millions of steps.
        public var rate = 3e-2
        /// The largest norm of a gradient.
        public var gradientNorm = 0.5
        /// `ε` of the clip.
        public var clipRange = 0.2
        /// Whether each group's ratio is clipped alone.
        public var clipsEachGroup = false
        /// What entropy a group is worth in the first round, falling linearly to nothing.
        public var entropyWeight = 0.01
        /// The mean share of groups that ``multiplier`` aims at; nil: it stays what it is.
        public var budget: Double?
        /// `λ` at first. Divided by the number of groups it is the price of one in standard deviations of the reward, of which a
        /// tenth is needed to be seen in noise.
        public var multiplier = 1.6
        /// How fast `λ` follows the budget.
        public var multiplierRate = 0.16
        /// Seeds every draw.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// One user's support as the policy sees it.
    public struct Context: Sendable, Equatable {
        /// Tells the loss whom it is about.
        public var id: Int
        /// `[features]`.
        public var state: [Double]

        /// A support's features.
        public init(id: Int, state: [Double]) { (self.id, self.state) = (id, state) }
    }

    /// Something to be judged: adapt ``id`` under ``mask`` and give the query's loss.
    public struct Trial: Sendable, Equatable {
        /// ``Context/id``.
        public var id: Int
        /// Groups kept.
        public var mask: [Bool]
    }

    /// What a round came to.
    public struct Round: Sendable, Equatable, Codable {
        /// Mean reward of its draws.
        public var reward: Double
        /// Mean share of groups kept.
        public var cost: Double
        /// `λ` it was judged with.
        public var multiplier: Double
        /// Mean entropy a group, nats.
        public var entropy: Double
        /// Mean of `(r - 1) - log r` over its steps.
        public var divergence: Double
        /// Share of ratios clipped over its steps.
        public var clippedShare: Double
    }

    /// A trained policy.
    public struct Outcome: Sendable, Equatable {
        /// The policy.
        public var policy: GatePolicy
        /// One entry a round.
        public var rounds: [Round]
        /// Adaptations that were judged: what training cost.
        public var evaluations: Int
    }

    private struct Draw {
        let context: Int
        let mask: [Bool]
        var advantage: Double
    }

    private let settings: Settings
    private let surrogate: ClippedSurrogate

    /// A trainer.
    public init(_ settings: Settings) {
        self.settings = settings
        var surrogate = ClippedSurrogate()
        (surrogate.range, surrogate.clipsEachGroup) = (settings.clipRange, settings.clipsEachGroup)
        self.surrogate = surrogate
    }

    /// Trains a policy.
    ///
    /// - Parameters:
    ///   - policy: where training begins.
    ///   - contexts: the users of a round; their support alone shapes the states.
    ///   - losses: the query's loss of each trial, in order; of all trials of a user on the same support and query.
    ///   - progress: is told each round and its number; throws to stop.
    public func train<Failure>(
        _ policy: GatePolicy, contexts: (inout RandomSource) -> [Context], losses: ([Trial]) -> [Double],
        progress: (Int, Round) throws(Failure) -> Void
    ) throws(Failure) -> Outcome {
        var random = RandomSource(seed: settings.seed)
        var (policy, optimizer, spread) = (policy, Adam(count: policy.weights.count), RunningDeviation())
        var (multiplier, evaluations, rounds): (Double, Int, [Round]) = (settings.multiplier, 0, [])
        for number in 0..<settings.rounds {
            let users = contexts(&random)
            let collected = collect(users, policy, losses, multiplier, &spread, &random)
            evaluations += collected.evaluations
            let entropyWeight = settings.entropyWeight * (1 - Double(number) / Double(settings.rounds))
            let steps = improve(&policy, &optimizer, collected.draws, users, entropyWeight, &random)
            let entropies = users.map { policy.distribution(for: $0.state).entropy }
            let round = Round(
                reward: collected.reward, cost: collected.cost, multiplier: multiplier,
                entropy: entropies.reduce(0, +) / Double(max(users.count * policy.groups, 1)),
                divergence: steps.divergence, clippedShare: steps.clippedShare)
            rounds.append(round)
            if let budget = settings.budget {
                multiplier = max(0, multiplier + settings.multiplierRate * (collected.cost - budget))
            }
            try progress(number, round)
        }
        return Outcome(policy: policy, rounds: rounds, evaluations: evaluations)
    }

    /// Draws masks for every user and judges them.
    private func collect(
        _ users: [Context], _ policy: GatePolicy, _ losses: ([Trial]) -> [Double], _ multiplier: Double,
        _ spread: inout RunningDeviation, _ random: inout RandomSource
    ) -> (draws: [Draw], reward: Double, cost: Double, evaluations: Int) {
        var drawn: [[(mask: [Bool], isSampled: Bool)]] = []
        var trials: [Trial] = []
        for user in users {
            let distribution = policy.distribution(for: user.state)
            let masks = (0..<settings.draws).map { _ in distribution.draw(&random) }
            drawn.append(masks)
            trials.append(Trial(id: user.id, mask: [Bool](repeating: true, count: policy.groups)))
            trials += masks.map { Trial(id: user.id, mask: $0.mask) }
        }
        let judged = losses(trials)
        precondition(judged.count == trials.count, "\(judged.count) losses of \(trials.count) trials")
        let gains = users.indices.map { user in
            let first = user * (settings.draws + 1)
            return judged[first + 1...first + settings.draws].map { judged[first] - $0 }
        }
        for gain in gains.joined() { spread.add(gain) }
        var (draws, rewardSum, costSum): ([Draw], Double, Double) = ([], 0, 0)
        for (user, masks) in drawn.enumerated() {
            let costs = masks.map { Double($0.mask.count(where: \.self)) / Double(policy.groups) }
            let rewards = zip(gains[user], costs).map { $0 / spread.deviation - multiplier * $1 }
            rewardSum += rewards.reduce(0, +)
            costSum += costs.reduce(0, +)
            let sampled = masks.indices.filter { masks[$0].isSampled }
            let advantages = Advantages.leaveOneOut(sampled.map { rewards[$0] })
            draws += zip(sampled, advantages).map { Draw(context: user, mask: masks[$0].mask, advantage: $1) }
        }
        for (index, advantage) in Advantages.normalized(draws.map(\.advantage)).enumerated() {
            draws[index].advantage = advantage
        }
        let count = Double(max(users.count * settings.draws, 1))
        return (draws, rewardSum / count, costSum / count, trials.count)
    }

    /// Some epochs of steps over a round's draws; what they were drawn from stays what it was.
    private func improve(
        _ policy: inout GatePolicy, _ optimizer: inout Adam, _ draws: [Draw], _ users: [Context],
        _ entropyWeight: Double, _ random: inout RandomSource
    ) -> (divergence: Double, clippedShare: Double) {
        let old = users.map { policy.distribution(for: $0.state) }
        var (divergence, clipped, seen) = (0.0, 0.0, 0.0)
        for _ in 0..<settings.epochs {
            let order = random.permutation(draws.count)
            for part in 0..<settings.minibatches {
                let own = order[
                    part * order.count / settings.minibatches..<(part + 1) * order.count / settings.minibatches]
                guard !own.isEmpty else { continue }
                var gradient = [Double](repeating: 0, count: policy.weights.count)
                for index in own {
                    let draw = draws[index]
                    let state = users[draw.context].state
                    let new = policy.distribution(for: state)
                    let value = surrogate.evaluate(
                        draw.mask, new: new, old: old[draw.context], advantage: draw.advantage)
                    let share = 1 / Double(own.count)
                    let slopes = zip(value.gradient, new.entropyGradient).map {
                        share * ($0 - entropyWeight / Double(policy.groups) * $1)
                    }
                    policy.add(slopes, at: state, to: &gradient)
                    (divergence, clipped, seen) = (
                        divergence + value.divergence, clipped + value.clippedShare, seen + 1
                    )
                }
                optimizer.step(
                    &policy.weights, gradient: gradient, rate: settings.rate, gradientNorm: settings.gradientNorm)
            }
        }
        return (divergence / max(seen, 1), clipped / max(seen, 1))
    }
}

/// The standard deviation of all numbers seen (Welford 1962), at least 1e-3.
struct RunningDeviation {
    private var count = 0.0
    private var mean = 0.0
    private var squares = 0.0

    mutating func add(_ value: Double) {
        count += 1
        let distance = value - mean
        mean += distance / count
        squares += distance * (value - mean)
    }

    var deviation: Double { max((squares / max(count, 1)).squareRoot(), 1e-3) }
}
