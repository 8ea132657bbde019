import Adapters
import Meta
import Recipe
import Tensor

/// Scores of one part of the users under the recipe that was learned without them, and under every baseline.
struct ScoredPart {
    /// Users with the texts' own features, which is what baselines see.
    private let plain: MetaPopulation
    /// The same with all that the recipe sees.
    private let users: MetaPopulation
    private let recipe: Recipe
    private let projected: ProjectedFeatures
    private let seed: UInt64

    init(_ users: MetaPopulation, recipe: Recipe, seed: UInt64) {
        plain = users
        self.users = recipe.population(users)
        self.recipe = recipe
        self.seed = seed
        projected = recipe.project(self.users.features)
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
        let globalHeads = plain.users.map { _ in baselines.globalHead }
        var all = [MethodScores(method: "global_head", queries: plain.scores(under: globalHeads))]
        for method in Baselines.Method.allCases {
            let penalty = penalties[method] ?? 1
            let heads = baselines.heads(method, for: plain, support: size, penalty: penalty)
            all.append(MethodScores(method: method.rawValue, queries: plain.scores(under: heads), penalty: penalty))
        }
        if recipe.items != nil { all.append(MethodScores(method: "text", queries: textScores(support: size))) }
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

    /// The product by what texts say alone.
    private func textScores(support size: Int) -> [ScoredQuery] {
        let text = recipe.textOnly
        return plain.scores(
            under: plain.heads(
                under: text.rule, settings: .unguarded(steps: text.settings.steps, width: text.width), support: size,
                unadapted: text.headWithoutData, storing: .full(.float32)))
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
