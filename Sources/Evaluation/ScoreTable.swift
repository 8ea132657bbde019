import Adapters
import Meta
import Recipe
import Tensor

/// Every method's scores of the same users, and the rows they make.
struct ScoreTable {
    private let users: MetaPopulation
    private let recipe: Recipe
    private let projected: ProjectedFeatures
    private let bootstrap: Bootstrap
    private let seed: UInt64

    /// One method's scored queries, one a user.
    struct Scores {
        var method: String
        var queries: [ScoredQuery]
        var penalty: Double?
        /// The share of users the guard published nothing for.
        var kept = 0.0
    }

    init(_ users: MetaPopulation, recipe: Recipe, seed: UInt64) {
        self.users = users
        self.recipe = recipe
        self.seed = seed
        projected = recipe.project(users.features)
        bootstrap = Bootstrap(users: users.users.count, seed: seed)
    }

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

    func scores(_ baselines: Baselines, support size: Int) -> [Scores] {
        var all = [Scores(method: "global_head", queries: query(users.users.map { _ in baselines.globalHead }))]
        for method in Baselines.Method.allCases {
            let (heads, penalty) = baselines.heads(method, for: users, support: size)
            all.append(Scores(method: method.rawValue, queries: query(heads), penalty: penalty))
        }
        for steps in 1...recipe.rule.steps.count {
            let settings = unguarded(steps: steps)
            let heads = heads(adapted(settings, support: size, storing: .full(.float32)), settings)
            if recipe.rule.steps.count > 1 { all.append(Scores(method: "product.k\(steps)", queries: query(heads))) }
            guard steps == recipe.settings.steps else { continue }
            all.append(Scores(method: "product", queries: query(heads)))
            all.append(Scores(method: "swapped", queries: query(Array(heads.dropFirst() + heads.prefix(1)))))
        }
        let whole = unguarded(steps: recipe.settings.steps)
        all.append(Scores(method: "stored", queries: query(heads(adapted(whole, support: size), whole))))
        let shuffled = adapted(whole, support: size, storing: .full(.float32), shufflesLabels: true)
        all.append(Scores(method: "shuffled", queries: query(heads(shuffled, whole))))
        let guarded = adapted(recipe.settings, support: size)
        all.append(
            Scores(
                method: "guarded", queries: query(heads(guarded, recipe.settings)),
                kept: Double(guarded.count { $0.delta == nil }) / Double(guarded.count)))
        return all
    }

    func rows(_ scores: [Scores], support size: Int) -> [PersonalizationReport.MethodRow] {
        let ridge = areas(scores, "ridge")
        return scores.map { scored in
            let areas = scored.queries.areas
            return PersonalizationReport.MethodRow(
                method: scored.method, support: size, areaUnderCurve: bootstrap.interval(areas),
                overRidge: bootstrap.interval(zip(areas, ridge).map(-)),
                logLoss: meanOverUsers(scored.queries.map(\.meanLoss)) ?? 0, penalty: scored.penalty)
        }
    }

    /// Harm without and with the guard, against the global head.
    func harm(_ scores: [Scores], support size: Int) -> [PersonalizationReport.HarmRow] {
        guard let baseline = scores.first(where: { $0.method == "global_head" }) else { return [] }
        let base = mean(baseline.queries.areas)
        let gain = mean(areas(scores, "product")) - base
        return ["product", "guarded"].compactMap { name in
            guard let method = scores.first(where: { $0.method == name }) else { return nil }
            let comparisons = zip(method.queries, baseline.queries).map { LossComparison($0, against: $1) }
            func share(_ isCounted: (LossComparison) -> Bool) -> Double {
                Double(comparisons.count { isCounted($0) }) / Double(comparisons.count)
            }
            return PersonalizationReport.HarmRow(
                support: size, isGuarded: name == "guarded",
                harmSignificant: share { $0.t > LossComparison.significantT },
                betterSignificant: share { $0.t < -LossComparison.significantT },
                harmMaterial: share { $0.mean > LossComparison.materialLoss }, kept: method.kept,
                gainKept: gain > 0 ? (mean(method.queries.areas) - base) / gain : 0)
        }
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

    private func areas(_ scores: [Scores], _ method: String) -> [Double] {
        scores.first { $0.method == method }.map { $0.queries.areas } ?? []
    }

    private func mean(_ values: [Double]) -> Double { meanOverUsers(values) ?? 0 }
}

extension [ScoredQuery] {
    /// Scored users have both classes in their query, so that each has an area; a half stands for "says nothing".
    var areas: [Double] { map { $0.areaUnderCurve ?? 0.5 } }
}
