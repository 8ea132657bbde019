import Adapters
public import Gate
public import Meta
import Model
public import Problem
public import Recipe
import Tensor

/// Judges which row groups of a sparse delta inside an encoder a user should keep: a policy trained by PPO, row magnitude,
/// hard-concrete gates and chance, at equal stored bytes, on the same users.
///
/// Everything is learned on meta-train users; the masks of scored users come from their supports alone. A gated user adapts under
/// the mask; magnitude prunes what adapting ungated gave. No gate is all rows at half the bits.
public struct GateEvaluation: Sendable {
    /// How gates are learned and judged.
    public struct Settings: Sendable, Equatable, Codable {
        /// Share of the groups that is kept.
        public var budget = 0.5
        /// Users of a round or a step.
        public var users = 64
        /// Examples a learned gate's adaptation is judged by, at most.
        public var queryCount = 32
        /// The policy.
        public var policy = GateTrainer.Settings()
        /// Its rival.
        public var hardConcrete = HardConcreteTrainer.Settings()

        /// The defaults.
        public init() {}
    }

    private let population: MetaPopulation
    private let texts: EncoderTexts
    let scored: [MetaUser]
    private let outer: EncoderOuterSettings
    private let settings: Settings
    private let threads: Int

    /// Takes users and their texts, as ``EncoderEvaluation``.
    ///
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, _ texts: EncoderTexts, outer: EncoderOuterSettings, _ settings: Settings,
        threads: Int, at location: String
    ) throws(Problem) {
        precondition(texts.sequences.count == population.features.rows, "a text a row")
        (self.population, self.texts, self.outer, self.settings) = (population, texts, outer, settings)
        self.threads = threads
        scored = population.users.filter { ScoringProtocol.isValidation($0.id) && $0.isEligible }
        guard !scored.isEmpty else { throw PersonalizationEvaluation.noEligibleUsers(at: location) }
    }

    /// Learns the rule and the gates, and scores every method.
    ///
    /// - Parameters:
    ///   - recipe: of the pooled site, learned on the same meta-train users.
    ///   - sparse: what is adapted, and its groups.
    ///   - progress: called while the rule and, by rounds, the policy are learned.
    public func run(
        _ recipe: Recipe, _ sparse: SparsePlan, progress: (Progress) throws -> Void
    ) throws -> GateReport {
        let training = population.users.filter { !ScoringProtocol.isValidation($0.id) }
        let rule = try EncoderOuterLoop(texts, training, outer, threads: threads)
            .learn(from: recipe.rule, sparse.plan) { try progress(.learning($0)) }
        let lanes = (0..<threads).map { _ in EncoderAdaptation(texts, sparse.plan) }
        let bandit = GateBandit(rule, sparse, training, settings, lanes)
        let clock = ContinuousClock()
        let started = clock.now
        let policy = try bandit.trainPolicy { number, round in
            try progress(.gating(round: number + 1, of: settings.policy.rounds, reward: round.reward))
        }
        let policySeconds = started.duration(to: clock.now) / .seconds(1)
        let concrete = bandit.trainHardConcrete()
        var report = GateReport.Builder(users: scored.count, seed: outer.seed)
        for size in ScoringProtocol.supportSizes {
            let scoring = GateScoring(rule, sparse, scored, support: size, lanes)
            let keep = bandit.keptGroups
            report.add("full", size, scoring.ungated(.int8))
            report.add("none", size, scoring.ungated(.int4))
            let nothing = [Bool](repeating: false, count: sparse.groups.count)
            report.add("head_only", size, scoring.masked { _, _, _ in nothing })
            report.add("magnitude", size, scoring.pruned(keeping: keep))
            report.add(
                "magnitude_refitted", size,
                scoring.masked { _, _, norms in BernoulliGroups.largest(keep, of: norms) })
            report.add(
                "ppo", size,
                scoring.masked(bandit.states) { _, state, _ in policy.policy.mask(for: state, keeping: keep) })
            report.add(
                "ppo_sampled", size,
                scoring.masked(bandit.states) { user, state, _ in
                    var random = RandomSource(seed: UInt64(user))
                    return policy.policy.distribution(for: state).draw(&random).mask
                })
            let gates = BernoulliGroups.largest(keep, of: concrete.gates.map(\.logAlpha))
            report.add("hard_concrete", size, scoring.masked { _, _, _ in gates })
            report.add(
                "random", size,
                scoring.masked { user, _, _ in
                    var random = RandomSource(seed: outer.seed &* 0x9E37_79B9 &+ UInt64(user))
                    let order = random.permutation(sparse.groups.count)
                    return BernoulliGroups.largest(keep, of: order.map(Double.init))
                })
        }
        return report.report(
            .init(
                base: texts.transformer.digest, trainingUsers: training.count, scoredUsers: scored.count,
                sites: sparse.plan.slots.map { "\($0.site) \($0.kind.name)" }, groups: sparse.groups.sizes,
                keptGroups: bandit.keptGroups, outer: outer, settings: settings, threads: threads),
            policy, seconds: policySeconds, concrete)
    }

    /// What is being learned.
    public enum Progress: Sendable {
        /// The rule.
        case learning(OuterProgress)
        /// The policy: rounds done, all rounds, and the mean reward.
        case gating(round: Int, of: Int, reward: Double)
    }
}
