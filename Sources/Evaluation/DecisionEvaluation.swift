import Adapters
public import Gate
public import Meta
public import Problem
public import Recipe
import Tensor

/// Judges whether and how much each user should be adapted: a policy trained by PPO beside acting on everybody, guards and a
/// tuned threshold, on the same users at the pooled site.
///
/// The policy learns from meta-train users under rules that were learned without them, on random windows of their time lines. It
/// sees the support alone; what its action came to is the query's AUC, and how likely it is to leave the user significantly worse
/// off in log loss. It starts as the guard that goes half the way, and for each support size may harm no more than that does.
public struct DecisionEvaluation: Sendable {
    /// How the policy is learned.
    public struct Settings: Sendable, Equatable, Codable {
        /// Windows of each meta-train user and support size.
        public var windows = 6
        /// Query examples of a window.
        public var queryCount = 32
        /// Of heads for everyone that leave a fold's users out, for features of unit norm.
        public var headPenalty: Float = 1.5
        /// The mean chance of significant harm that the policy may come to at each support size; nil: what half the way,
        /// guarded, comes to.
        public var harmBudget: Double?
        /// The policy; its budgets of harm follow ``harmBudget``.
        public var policy = DecisionTrainer.Settings()

        /// The defaults.
        public init() {}
    }

    /// Where an evaluation stands.
    public enum Progress: Sendable {
        /// The rule without one fold's users is learned: how many of how many.
        case fold(Int, of: Int)
        /// A round of PPO is done.
        case round(Int, of: Int)
    }

    /// Parts of the users that are scored, of ``ScoringProtocol/parts``.
    public let parts: [Int]
    private let splits: [(training: MetaPopulation, validation: MetaPopulation)]
    private let outer: OuterSettings
    private let settings: Settings

    /// Takes a file's users.
    ///
    /// - Parameter isCrossValidated: scores every part of the users instead of one: who is harmed is one in a hundred.
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, isCrossValidated: Bool = false, outer: OuterSettings,
        _ settings: Settings = Settings(), at location: String
    ) throws(Problem) {
        (parts, splits) = population.scoredParts(isCrossValidated ? ScoringProtocol.parts : 1)
        (self.outer, self.settings) = (outer, settings)
        guard !parts.isEmpty else { throw PersonalizationEvaluation.noEligibleUsers(at: location) }
    }

    /// Learns a policy for each part and scores it beside its rivals.
    ///
    /// - Parameter recipes: one of each of ``parts``, learned on the users who are not in it.
    public func run(_ recipes: [Recipe], progress: (Progress) throws -> Void) throws -> DecisionReport {
        precondition(recipes.count == parts.count, "a recipe of each part")
        var builder = DecisionReport.Builder(
            users: splits.reduce(0) { $0 + $1.validation.users.count }, seed: outer.seed)
        var learned: [DecisionReport.Learned] = []
        for (users, recipe) in zip(splits, recipes) {
            learned.append(try score(users.validation, recipe, learningFrom: users.training, in: &builder, progress))
        }
        return builder.report(
            .init(
                trainingUsers: splits.reduce(0) { $0 + $1.training.users.count } / splits.count,
                scoredUsers: splits.reduce(0) { $0 + $1.validation.users.count }, learned: learned.map(\.summary),
                settings: settings, seed: outer.seed), rounds: learned.map(\.rounds))
    }

    /// Learns the policy on some users and scores it on others.
    private func score(
        _ scored: MetaPopulation, _ recipe: Recipe, learningFrom training: MetaPopulation,
        in builder: inout DecisionReport.Builder, _ progress: (Progress) throws -> Void
    ) throws -> DecisionReport.Learned {
        let raw = try cases(training, progress)
        guard !raw.isEmpty else { throw Self.nobodyToLearnFrom }
        let scale = StateScale(raw.map(\.state))
        let cases = raw.map {
            DecisionCase(state: scale($0.state), gains: $0.gains, harms: $0.harms, group: $0.group)
        }
        func outcome(_ threshold: Double) -> DecisionTrainer.Outcome {
            DecisionTrainer.outcome(
                of: raw.map { Self.guarded($0.state, threshold) }, cases, groups: outer.supportSizes.count)
        }
        var settings = settings
        settings.policy.harmBudgets =
            settings.harmBudget.map { budget in outer.supportSizes.map { _ in budget } } ?? outcome(0).harms
        let rounds = settings.policy.rounds
        var history: [DecisionTrainer.Round] = []
        let policy = try DecisionTrainer(settings.policy).train(cases, from: Self.start(scale, cases[0])) {
            number, round in
            history.append(round)
            try progress(.round(number + 1, of: rounds))
        }
        let threshold = Self.threshold(settings.policy.harmBudgets, outcome)
        let states = DecisionStates(rule: recipe.rule, withoutData: recipe.headWithoutData)
        for size in ScoringProtocol.supportSizes {
            let adapted = states.adapted(scored.users.map { $0.support(size) }, features: scored.features)
            func score(_ name: String, _ action: ([Double]) -> Int) {
                let actions = adapted.map { action($0.state) }
                let heads = zip(adapted, actions).map { $0.heads[$1] }
                builder.add(name, size, scored.scores(under: heads), actions)
            }
            score("keep") { _ in 0 }
            score("full") { _ in DecisionStates.moves.count - 1 }
            score("half") { _ in DecisionStates.half }
            score("half_guarded_strictly") { Self.guarded($0, 0) }
            score("half_guarded") { Self.guarded($0, Double(recipe.settings.guarding?.tolerance ?? 0)) }
            score("shrunk_guarded_strictly") { Self.guarded($0, 0, then: DecisionStates.shrunk) }
            score("threshold") { Self.guarded($0, threshold) }
            score("ppo") { policy.action(for: scale($0)) }
        }
        return DecisionReport.Learned(
            summary: .init(cases: cases.count, harmBudgets: settings.policy.harmBudgets, threshold: threshold),
            rounds: history)
    }

    /// What a guard does: half the way where the leave-pair-out loss of that is no worse than a threshold.
    private static func guarded(_ state: [Double], _ threshold: Double, then action: Int = DecisionStates.half) -> Int {
        state[DecisionStates.halfLoss] <= threshold ? action : 0
    }

    /// The guard as a policy: half the way where the leave-pair-out loss of that is no worse, other moves a while behind.
    private static func start(_ scale: StateScale, _ example: DecisionCase) -> CategoricalPolicy {
        let (steepness, lag) = (3.0, 2.0)
        var policy = CategoricalPolicy(features: example.state.count, actions: example.gains.count)
        let even = scale.scaled(0, feature: DecisionStates.halfLoss)
        for action in 1..<policy.actions {
            let row = action * (policy.features + 1)
            policy.weights[row + DecisionStates.halfLoss] = -steepness
            policy.weights[row + policy.features] = steepness * even - (action == DecisionStates.half ? 0 : lag)
        }
        return policy
    }

    /// What a window's actions came to.
    private func outcome(_ own: DecisionStates.Adapted, query: OwnedExamples, group: Int) -> DecisionCase {
        let scored = own.heads.map { ScoredQuery(logits: $0.logits(of: query.features), labels: query.labels) }
        let areas = scored.areas
        return DecisionCase(
            state: own.state, gains: areas.map { $0 - areas[0] },
            harms: scored.map { LossComparison($0, against: scored[0]).harmChance }, group: group)
    }

    /// Windows of meta-train users, each under the rule and the head for everyone that were learned without the user.
    private func cases(
        _ training: MetaPopulation, _ progress: (Progress) throws -> Void
    ) throws -> [DecisionCase] {
        var cases: [DecisionCase] = []
        var random = RandomSource(seed: outer.seed)
        let loop = OuterLoop(training, settings: outer)
        for fold in 0..<outer.folds {
            let (others, own) = training.split(fold: fold, of: outer.folds)
            let head = fitGlobalHead(others, penalty: settings.headPenalty)
            let states = DecisionStates(rule: loop.learn(fold: fold, from: head), withoutData: head)
            let windows = windows(of: own.users, &random)
            let adapted = states.adapted(windows.map(\.support), features: training.features)
            for (window, own) in zip(windows, adapted) {
                let query = OwnedExamples([window.query], from: training.features, scale: 1)
                let group = outer.supportSizes.firstIndex(of: window.support.count) ?? 0
                cases.append(outcome(own, query: query, group: group))
            }
            try progress(.fold(fold + 1, of: outer.folds))
        }
        return cases
    }

    private func windows(of users: [MetaUser], _ random: inout RandomSource) -> [Episode] {
        var windows: [Episode] = []
        for user in users {
            for size in outer.supportSizes where user.rows.count >= size + settings.queryCount {
                for _ in 0..<settings.windows {
                    let first = random.index(below: user.rows.count - size - settings.queryCount + 1)
                    func cut(_ range: Range<Int>) -> UserSupport {
                        UserSupport(rows: Array(user.rows[range]), labels: Array(user.labels[range]))
                    }
                    windows.append(
                        Episode(
                            support: cut(first..<first + size),
                            query: cut(first + size..<first + size + settings.queryCount)))
                }
            }
        }
        return windows
    }

    /// The leave-pair-out loss up to which half the way is gone: of a grid, the one that gains most within the policy's budgets; where
    /// all harm more, the one that is least over them.
    private static func threshold(_ budgets: [Double], _ outcome: (Double) -> DecisionTrainer.Outcome) -> Double {
        let grid = [-0.1, -0.05, -0.02, -0.01, 0, 0.01, 0.02, 0.05, 0.1, 0.2]
        let tried = grid.map { (threshold: $0, outcome: outcome($0)) }
        return tried.max { $1.outcome.isBetter(than: $0.outcome, budgets: budgets) }?.threshold ?? 0
    }

    private static let nobodyToLearnFrom = Problem(
        "too_few_examples", at: "meta-train users", "none has a window to learn a decision from.",
        do: "give users more examples.")
}
