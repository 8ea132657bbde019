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
/// sees the support alone; what its action came to is the query's log loss.
public struct DecisionEvaluation: Sendable {
    /// How the policy is learned.
    public struct Settings: Sendable, Equatable, Codable {
        /// Windows of each meta-train user and support size.
        public var windows = 3
        /// Query examples of a window.
        public var queryCount = 32
        /// Of heads for everyone that leave a fold's users out, for features of unit norm.
        public var headPenalty: Float = 1.5
        /// The policy.
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

    private let training: MetaPopulation
    private let scored: MetaPopulation
    private let outer: OuterSettings
    private let settings: Settings

    /// Takes a file's users.
    ///
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, outer: OuterSettings, _ settings: Settings = Settings(), at location: String
    ) throws(Problem) {
        (training, scored) = population.split()
        (self.outer, self.settings) = (outer, settings)
        guard !scored.users.isEmpty else { throw PersonalizationEvaluation.noEligibleUsers(at: location) }
    }

    /// Learns the policy and scores it beside its rivals.
    ///
    /// - Parameter recipe: learned on the same meta-train users.
    public func run(_ recipe: Recipe, progress: (Progress) throws -> Void) throws -> DecisionReport {
        let raw = try cases(progress)
        guard !raw.isEmpty else { throw Self.nobodyToLearnFrom }
        let scale = StateScale(raw.map(\.state))
        let cases = raw.map { DecisionCase(state: scale($0.state), losses: $0.losses) }
        let rounds = settings.policy.rounds
        var history: [DecisionTrainer.Round] = []
        let policy = try DecisionTrainer(settings.policy).train(cases) { number, round in
            history.append(round)
            try progress(.round(number + 1, of: rounds))
        }
        let threshold = Self.threshold(raw, budget: settings.policy.harmBudget, margin: settings.policy.harmMargin)
        var builder = DecisionReport.Builder(users: scored.users.count, seed: outer.seed)
        let states = DecisionStates(rule: recipe.rule, withoutData: recipe.headWithoutData)
        for size in ScoringProtocol.supportSizes {
            let adapted = states.adapted(scored.users.map { $0.support(size) }, features: scored.features)
            func score(_ name: String, _ action: ([Double]) -> Int) {
                let actions = adapted.map { action($0.state) }
                let heads = zip(adapted, actions).map { $0.heads[$1] }
                builder.add(name, size, scored.scores(under: heads), shares: actions.map { DecisionStates.shares[$0] })
            }
            score("keep") { _ in 0 }
            score("full") { _ in 3 }
            score("half") { _ in 2 }
            // Leave-pair-out loss at half the way over the head without data is the second number of a state.
            score("half_guarded_strictly") { $0[1] <= 0 ? 2 : 0 }
            score("half_guarded") { $0[1] <= Double(recipe.settings.guarding?.tolerance ?? 0) ? 2 : 0 }
            score("threshold") { $0[1] <= threshold ? 2 : 0 }
            score("ppo") { policy.action(for: scale($0)) }
        }
        return builder.report(
            .init(
                trainingUsers: training.users.count, scoredUsers: scored.users.count, cases: cases.count,
                threshold: threshold, settings: settings, seed: outer.seed), rounds: history)
    }

    /// Windows of meta-train users, each under the rule and the head for everyone that were learned without the user.
    private func cases(_ progress: (Progress) throws -> Void) throws -> [DecisionCase] {
        var cases: [DecisionCase] = []
        var random = RandomSource(seed: outer.seed)
        let loop = OuterLoop(training, settings: outer)
        for fold in 0..<outer.folds {
            let isHeld = { (user: MetaUser) in ScoringProtocol.fold(user.id, of: outer.folds) == fold }
            let head = fitGlobalHead(training.keeping { !isHeld($0) }, penalty: settings.headPenalty)
            let states = DecisionStates(rule: loop.learn(fold: fold, from: head), withoutData: head)
            let windows = windows(of: training.users.filter(isHeld), &random)
            let adapted = states.adapted(windows.map(\.support), features: training.features)
            for (window, own) in zip(windows, adapted) {
                let query = OwnedExamples([window.query], from: training.features, scale: 1)
                let losses = own.heads.map { head in
                    ScoredQuery(logits: head.logits(of: query.features), labels: query.labels).meanLoss
                }
                cases.append(DecisionCase(state: own.state, losses: losses))
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

    /// The leave-pair-out loss up to which half the way is gone: of a grid, the one that gains most with no more users harmed than
    /// the policy's budget; where all harm more, the one that harms least.
    private static func threshold(_ cases: [DecisionCase], budget: Double, margin: Double) -> Double {
        let grid = [-0.1, -0.05, -0.02, -0.01, 0, 0.01, 0.02, 0.05, 0.1, 0.2]
        let tried = grid.map { threshold in
            let gains = cases.map { $0.state[1] <= threshold ? $0.losses[0] - $0.losses[2] : 0 }
            let count = Double(cases.count)
            return (
                threshold: threshold, gain: gains.reduce(0, +) / count,
                harm: Double(gains.count { $0 < -margin }) / count
            )
        }
        let allowed = tried.filter { $0.harm <= budget }
        let best = allowed.max { $0.gain < $1.gain } ?? tried.min { $0.harm < $1.harm }
        return best?.threshold ?? 0
    }

    private static let nobodyToLearnFrom = Problem(
        "too_few_examples", at: "meta-train users", "none has a window to learn a decision from.",
        do: "give users more examples.")
}
