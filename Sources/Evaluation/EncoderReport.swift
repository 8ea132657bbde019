public import Meta

/// What `attune eval encoder` prints: figures by their stable names, and the tables behind them.
public struct EncoderReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Hex digest of the base.
        public var base: String
        /// Users the rules were learned on.
        public var trainingUsers: Int
        /// Validation users scored.
        public var scoredUsers: Int
        /// Where adapters sit, and of what kind.
        public var sites: [String]
        /// Numbers a user, the head's included.
        public var parameters: Int
        /// How the rule was learned.
        public var outer: EncoderOuterSettings
        /// How fine-tuning was done.
        public var fullDepth: EncoderEvaluation.FullDepth
        /// Threads that computed.
        public var threads: Int
    }

    /// One method at one support size.
    public struct Row: Sendable, Equatable, Codable {
        /// `global_head`, `pooled`, `encoder`, `swapped` or `full_depth`.
        public var method: String
        /// Support size.
        public var support: Int
        /// Mean AUC over users.
        public var areaUnderCurve: Interval
        /// Paired difference to the pooled rule.
        public var overPooled: Interval
        /// Mean query log loss over users, nats.
        public var logLoss: Double
        /// Users adapted a second on all threads, scoring apart; nil where nothing was timed.
        public var usersPerSecond: Double?
        /// The rate that was best, of methods that have one.
        public var learningRate: Float?
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// Quality and speed.
        public var methods: [Row]
        /// Quality by stored bytes, of sparse deltas.
        public var sizes: [Size]
    }

    /// What was run.
    public var config: Configuration
    /// Stable name to number.
    public var figures: [String: Double]
    /// What is behind them.
    public var tables: Tables

    /// Collects methods on the same users.
    struct Builder {
        let bootstrap: Bootstrap
        /// Of sparse deltas.
        var sizes: (rows: [Size], figures: [String: Double]) = ([], [:])
        private var rows: [Row] = []
        private var areas: [String: [Double]] = [:]

        init(users: Int, seed: UInt64) { bootstrap = Bootstrap(users: users, seed: seed) }

        mutating func add(
            _ method: String, _ support: Int, _ queries: [ScoredQuery], usersPerSecond: Double? = nil,
            learningRate: Float? = nil
        ) {
            let own = queries.areas
            areas["\(method).s\(support)"] = own
            rows.append(
                Row(
                    method: method, support: support, areaUnderCurve: bootstrap.interval(own),
                    overPooled: difference(method, "pooled", support),
                    logLoss: meanOverUsers(queries.map(\.meanLoss)) ?? 0,
                    usersPerSecond: usersPerSecond, learningRate: learningRate))
        }

        /// Adds the run of the highest mean AUC.
        mutating func addBest(
            _ method: String, _ support: Int, _ runs: [(rate: Float, queries: [ScoredQuery], usersPerSecond: Double)]
        ) {
            let means = runs.map { meanOverUsers($0.queries.areas) ?? 0 }
            guard let best = means.indices.max(by: { means[$0] < means[$1] }) else { return }
            add(
                method, support, runs[best].queries, usersPerSecond: runs[best].usersPerSecond,
                learningRate: runs[best].rate)
        }

        func report(_ config: Configuration) -> EncoderReport {
            var figures = sizes.figures
            for row in rows {
                let name = "\(row.method).s\(row.support)"
                figures["auc.\(name)"] = row.areaUnderCurve.mean
                if let rate = row.usersPerSecond { figures["users_per_second.\(name)"] = rate }
                guard row.method == "encoder" else { continue }
                for rival in ["pooled", "full_depth"] where areas["\(rival).s\(row.support)"] != nil {
                    let interval = difference("encoder", rival, row.support)
                    let figure = "encoder.difference_to_\(rival).s\(row.support)"
                    figures[figure] = interval.mean
                    figures["\(figure).low"] = interval.low
                    figures["\(figure).high"] = interval.high
                }
            }
            return EncoderReport(config: config, figures: figures, tables: Tables(methods: rows, sizes: sizes.rows))
        }

        private func difference(_ method: String, _ rival: String, _ support: Int) -> Interval {
            let pairs = zip(areas["\(method).s\(support)"] ?? [], areas["\(rival).s\(support)"] ?? [])
            return bootstrap.interval(pairs.map(-))
        }
    }
}
