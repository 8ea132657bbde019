import Meta

/// One method's scored queries, one a user.
struct MethodScores {
    var method: String
    var queries: [ScoredQuery]
    var penalty: Double?
    /// Users the guard published nothing for.
    var keptCount = 0

    /// The scores of several parts of the users as one table's.
    static func joined(_ parts: [[MethodScores]]) -> [MethodScores] {
        guard var joined = parts.first else { return [] }
        for part in parts.dropFirst() {
            for (index, scores) in part.enumerated() {
                precondition(scores.method == joined[index].method, "parts of the same methods")
                joined[index].queries += scores.queries
                joined[index].keptCount += scores.keptCount
            }
        }
        return joined
    }
}

/// The rows that scores of the same users make, all intervals over the same draws of users.
struct ScoreTable {
    private let bootstrap: Bootstrap

    init(users: Int, seed: UInt64) { bootstrap = Bootstrap(users: users, seed: seed) }

    func rows(_ scores: [MethodScores], support size: Int) -> [PersonalizationReport.MethodRow] {
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
    func harm(_ scores: [MethodScores], support size: Int) -> [PersonalizationReport.HarmRow] {
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
                harmMaterial: share { $0.mean > LossComparison.materialLoss },
                kept: Double(method.keptCount) / Double(method.queries.count),
                gainKept: gain > 0 ? (mean(method.queries.areas) - base) / gain : 0)
        }
    }

    private func areas(_ scores: [MethodScores], _ method: String) -> [Double] {
        scores.first { $0.method == method }.map { $0.queries.areas } ?? []
    }

    private func mean(_ values: [Double]) -> Double { meanOverUsers(values) ?? 0 }
}

extension [ScoredQuery] {
    /// Scored users have both classes in their query, so that each has an area; a half stands for "says nothing".
    var areas: [Double] { map { $0.areaUnderCurve ?? 0.5 } }
}
