import Adapters
import Meta
import Recipe
import Tensor

/// Scores of one part of the users under the recipe that was learned without them, and under every baseline.
struct ScoredPart {
    private let users: MetaPopulation
    private let recipe: Recipe
    private let projected: ProjectedFeatures
    private let seed: UInt64

    init(_ users: MetaPopulation, recipe: Recipe, seed: UInt64) {
        self.users = users
        self.recipe = recipe
        self.seed = seed
        projected = recipe.project(users.features)
    }

    /// Users of the part.
    var userCount: Int { users.users.count }

    /// The recipe's settings with the guard off and the whole delta published.
    private func unguarded(steps: Int) -> AdaptationSettings {
        var settings = recipe.settings
        settings.steps = steps
        settings.scale = 1
        settings.guarding = nil
        return settings
    }

    /// What each user stores after adapting without the guard.
    func deltas(support size: Int) -> [HeadDelta] {
        adapted(unguarded(steps: recipe.settings.steps), support: size).compactMap(\.delta)
    }

    /// Every method, in the same order for every part.
    ///
    /// - Parameter penalties: of the baselines.
    func scores(
        _ baselines: Baselines, _ penalties: [Baselines.Method: Double], support size: Int
    ) -> [MethodScores] {
        var all = [MethodScores(method: "global_head", queries: query(users.users.map { _ in baselines.globalHead }))]
        for method in Baselines.Method.allCases {
            let penalty = penalties[method] ?? 1
            let heads = baselines.heads(method, for: users, support: size, penalty: penalty)
            all.append(MethodScores(method: method.rawValue, queries: query(heads), penalty: penalty))
        }
        for steps in 1...recipe.rule.steps.count {
            let settings = unguarded(steps: steps)
            let heads = heads(adapted(settings, support: size, storing: .full(.float32)), settings)
            if recipe.rule.steps.count > 1 {
                all.append(MethodScores(method: "product.k\(steps)", queries: query(heads)))
            }
            guard steps == recipe.settings.steps else { continue }
            all.append(MethodScores(method: "product", queries: query(heads)))
            all.append(MethodScores(method: "swapped", queries: query(Array(heads.dropFirst() + heads.prefix(1)))))
        }
        let whole = unguarded(steps: recipe.settings.steps)
        all.append(MethodScores(method: "stored", queries: query(heads(adapted(whole, support: size), whole))))
        let shuffled = adapted(whole, support: size, storing: .full(.float32), shufflesLabels: true)
        all.append(MethodScores(method: "shuffled", queries: query(heads(shuffled, whole))))
        let guarded = adapted(recipe.settings, support: size)
        all.append(
            MethodScores(
                method: "guarded", queries: query(heads(guarded, recipe.settings)),
                keptCount: guarded.count { $0.delta == nil }))
        return all
    }

    /// - Parameter form: nil: the recipe's.
    private func adapted(
        _ settings: AdaptationSettings, support size: Int, storing form: DeltaForm? = nil, shufflesLabels: Bool = false
    ) -> [UserAdaptation] {
        var random = RandomSource(seed: seed ^ UInt64(size))
        let supports = users.users.map { user -> UserSupport in
            let support = user.support(size)
            guard shufflesLabels else { return support }
            let order = random.permutation(support.count)
            return UserSupport(rows: support.rows, labels: order.map { support.labels[$0] })
        }
        return adapt(
            PackedSupport(features: projected, users: supports), with: recipe.rule, settings: settings,
            storing: form ?? recipe.form)
    }

    /// The heads of users who were adapted under these settings.
    private func heads(_ adapted: [UserAdaptation], _ settings: AdaptationSettings) -> [LinearHead] {
        let start = recipe.rule.publishedStart(withoutData: recipe.headWithoutData, share: settings.scale)
        return adapted.map { $0.delta?.applied(to: start) ?? recipe.headWithoutData }
    }

    private func query(_ heads: [LinearHead]) -> [ScoredQuery] { users.scores(under: heads) }
}
