public import Gate
import Meta

/// What `attune eval gate` prints of the whether-and-how-much decision.
public struct DecisionReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Users everything was learned on, the mean of the parts.
        public var trainingUsers: Int
        /// Users scored, each under what was learned without their part.
        public var scoredUsers: Int
        /// What was learned for each part.
        public var learned: [Summary]
        /// What each action serves of the head without data and of the user's own.
        package var moves = DecisionStates.moves
        /// How the policy was learned.
        public var settings: DecisionEvaluation.Settings
        /// Seed of every draw.
        public var seed: UInt64
    }

    /// What was learned for one part of the users.
    public struct Summary: Sendable, Equatable, Codable {
        /// Windows of meta-train users that the policy learned from.
        public var cases: Int
        /// The mean chance of significant harm that it might come to, by support size.
        public var harmBudgets: [Double]
        /// The tuned threshold, nats.
        public var threshold: Double
    }

    /// The same with the policy's training.
    struct Learned {
        var summary: Summary
        var rounds: [DecisionTrainer.Round]
    }

    /// One method at one support size.
    public struct Row: Sendable, Equatable, Codable {
        /// `keep`, `full`, `half`, `half_guarded_strictly` (no tolerance), `half_guarded` (the
        /// recipe's), `shrunk_guarded_strictly`, `threshold`, `ppo`.
        public var method: String
        /// Support size.
        public var support: Int
        /// Mean AUC over users.
        public var areaUnderCurve: Interval
        /// Its gain over `keep` as a share of `full`'s.
        public var gainKept: Double
        /// Paired difference in AUC to `half_guarded_strictly`.
        public var overStrictGuard: Interval
        /// Paired difference in AUC to `half_guarded`.
        public var overGuard: Interval
        /// Share of users significantly worse than kept, one-sided t > 1.645 over query items.
        public var harmSignificant: Double
        /// Share of users significantly better.
        public var betterSignificant: Double
        /// Share of users worse by more than .02 nats.
        public var harmMaterial: Double
        /// Share of users with each of the moves.
        public var actions: [Double]
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// Methods by support size.
        public var decisions: [Row]
        /// The policies' training, by part and round.
        public var decisionRounds: [[DecisionTrainer.Round]]
    }

    /// What was run.
    public var config: Configuration
    /// Stable name to number.
    public var figures: [String: Double]
    /// What is behind them.
    public var tables: Tables

    /// Collects methods on the same users.
    struct Builder {
        private let bootstrap: Bootstrap
        private var scores: [(method: String, support: Int, queries: [ScoredQuery], actions: [Int])] = []

        init(users: Int, seed: UInt64) { bootstrap = Bootstrap(users: users, seed: seed) }

        /// Takes a method's scores of one part of the users.
        mutating func add(_ method: String, _ support: Int, _ queries: [ScoredQuery], _ actions: [Int]) {
            if let own = scores.firstIndex(where: { $0.method == method && $0.support == support }) {
                scores[own].queries += queries
                scores[own].actions += actions
            } else {
                scores.append((method, support, queries, actions))
            }
        }

        func report(_ config: Configuration, rounds: [[DecisionTrainer.Round]]) -> DecisionReport {
            let rows = scores.map { score in
                func other(_ method: String) -> [ScoredQuery] {
                    scores.first { $0.method == method && $0.support == score.support }?.queries ?? []
                }
                return row(score.method, score.support, score.queries, score.actions, other)
            }
            var figures: [String: Double] = [:]
            func name(_ method: String) -> String { method == "ppo" ? "decision" : method }
            let rivals = rows.filter { $0.method != "keep" && $0.method != "full" }
            for row in rivals {
                let name = name(row.method)
                figures["gate.\(name).gain_kept.s\(row.support)"] = row.gainKept
                figures["gate.\(name).harm_significant.s\(row.support)"] = row.harmSignificant
                figures["gate.\(name).harm_material.s\(row.support)"] = row.harmMaterial
            }
            for (method, own) in Dictionary(grouping: rivals, by: \.method) {
                // Over all sizes: who is harmed at one of them are a few.
                figures["gate.\(name(method)).harm_significant"] =
                    own.reduce(0) { $0 + $1.harmSignificant } / Double(own.count)
            }
            for row in rows where row.method == "ppo" {
                figures["gate.decision.over_guard.s\(row.support)"] = row.overGuard.mean
                figures["gate.decision.over_guard_lower.s\(row.support)"] = row.overGuard.low
                figures["gate.decision.over_strict_guard.s\(row.support)"] = row.overStrictGuard.mean
                figures["gate.decision.over_strict_guard_lower.s\(row.support)"] = row.overStrictGuard.low
            }
            return DecisionReport(
                config: config, figures: figures, tables: Tables(decisions: rows, decisionRounds: rounds))
        }

        private func row(
            _ method: String, _ support: Int, _ queries: [ScoredQuery], _ actions: [Int],
            _ other: (String) -> [ScoredQuery]
        ) -> Row {
            let (areas, kept, full) = (queries.areas, other("keep").areas, other("full").areas)
            func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
            func over(_ rival: String) -> Interval { bootstrap.interval(zip(areas, other(rival).areas).map(-)) }
            let comparisons = zip(queries, other("keep")).map { LossComparison($0, against: $1) }
            func share(_ isCounted: (LossComparison) -> Bool) -> Double {
                Double(comparisons.count { isCounted($0) }) / Double(max(comparisons.count, 1))
            }
            let gain = mean(full) - mean(kept)
            return Row(
                method: method, support: support, areaUnderCurve: bootstrap.interval(areas),
                gainKept: gain > 0 ? (mean(areas) - mean(kept)) / gain : 0,
                overStrictGuard: over("half_guarded_strictly"), overGuard: over("half_guarded"),
                harmSignificant: share { $0.t > LossComparison.significantT },
                betterSignificant: share { $0.t < -LossComparison.significantT },
                harmMaterial: share { $0.mean > LossComparison.materialLoss },
                actions: DecisionStates.moves.indices.map { taken in
                    Double(actions.count { $0 == taken }) / Double(max(actions.count, 1))
                })
        }
    }
}
