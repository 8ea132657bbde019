public import Gate
public import Meta

/// What `attune eval gate` prints of row gates: figures by their stable names, and the tables behind them.
public struct GateReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Hex digest of the base.
        public var base: String
        /// Users everything was learned on.
        public var trainingUsers: Int
        /// Validation users scored.
        public var scoredUsers: Int
        /// Where the delta sits.
        public var sites: [String]
        /// Entries of each group of rows.
        public var groups: [Int]
        /// Groups a user keeps.
        public var keptGroups: Int
        /// How the rule was learned.
        public var outer: EncoderOuterSettings
        /// How the gates were.
        public var settings: GateEvaluation.Settings
        /// Threads that computed.
        public var threads: Int
    }

    /// One method at one support size.
    public struct Row: Sendable, Equatable, Codable {
        /// `ppo`, `magnitude`, `magnitude_refitted`, `hard_concrete`, `random` and `none` at equal bytes; `full` of more, `head_only`
        /// of fewer; `ppo_sampled` of about as many.
        public var method: String
        /// Support size.
        public var support: Int
        /// Mean stored bytes a user, everything included.
        public var bytes: Double
        /// Mean AUC over users, read back from what is stored.
        public var areaUnderCurve: Interval
        /// Paired difference to `magnitude`.
        public var overMagnitude: Interval
        /// Mean query log loss over users, nats.
        public var logLoss: Double
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// Quality and bytes.
        public var methods: [Row]
        /// The policy's training, round by round.
        public var rounds: [GateTrainer.Round]
        /// The chance that each group's hard-concrete gate is open.
        public var openProbabilities: [Double]
        /// The gate that ships: `ppo` if it is better than `magnitude` beyond doubt, which is simpler.
        public var ships: String
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
        private var scores: [(method: String, support: Int, areas: [Double], losses: Double, bytes: Double)] = []

        init(users: Int, seed: UInt64) { bootstrap = Bootstrap(users: users, seed: seed) }

        mutating func add(_ method: String, _ support: Int, _ stored: [GateScoring.Stored]) {
            let queries = stored.map(\.query)
            scores.append(
                (
                    method, support, queries.areas, meanOverUsers(queries.map(\.meanLoss)) ?? 0,
                    Double(stored.reduce(0) { $0 + $1.bytes }) / Double(max(stored.count, 1))
                ))
        }

        func report(
            _ config: Configuration, _ policy: GateTrainer.Outcome, seconds: Double,
            _ concrete: (gates: [HardConcrete], evaluations: Int)
        ) -> GateReport {
            var figures = [
                "gate.ppo_evaluations": Double(policy.evaluations), "gate.ppo_seconds": seconds,
                "gate.hard_concrete_evaluations": Double(concrete.evaluations),
            ]
            for method in Set(scores.map(\.method)) {
                figures["gate.\(method)_auc"] = bootstrap.interval(meanAreas(method)).mean
                for row in scores where row.method == method {
                    figures["gate.\(method)_auc.s\(row.support)"] = row.areas.reduce(0, +) / Double(row.areas.count)
                }
            }
            let bytes = scores.filter { $0.method == "ppo" }.map(\.bytes)
            figures["gate.bytes"] = bytes.reduce(0, +) / Double(max(bytes.count, 1))
            for rival in ["magnitude", "magnitude_refitted", "hard_concrete", "random", "none", "head_only"] {
                let interval = bootstrap.interval(zip(meanAreas("ppo"), meanAreas(rival)).map(-))
                figures["gate.ppo_minus_\(rival)"] = interval.mean
                figures["gate.ppo_minus_\(rival).low"] = interval.low
                figures["gate.ppo_minus_\(rival).high"] = interval.high
            }
            let isBetter = (figures["gate.ppo_minus_magnitude.low"] ?? 0) > 0
            return GateReport(
                config: config, figures: figures,
                tables: Tables(
                    methods: rows, rounds: policy.rounds, openProbabilities: concrete.gates.map(\.openProbability),
                    ships: isBetter ? "ppo" : "magnitude"))
        }

        /// Each user's mean AUC over the support sizes.
        private func meanAreas(_ method: String) -> [Double] {
            let own = scores.filter { $0.method == method }.map(\.areas)
            guard let first = own.first else { return [] }
            return first.indices.map { user in own.reduce(0) { $0 + $1[user] } / Double(own.count) }
        }

        private var rows: [Row] {
            scores.map { score in
                let magnitude = scores.first { $0.method == "magnitude" && $0.support == score.support }?.areas ?? []
                return Row(
                    method: score.method, support: score.support, bytes: score.bytes,
                    areaUnderCurve: bootstrap.interval(score.areas),
                    overMagnitude: bootstrap.interval(zip(score.areas, magnitude).map(-)), logLoss: score.losses)
            }
        }
    }
}
