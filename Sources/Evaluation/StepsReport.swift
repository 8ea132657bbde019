import Meta

/// What `attune eval steps` prints: figures by their stable names, and the tables behind them.
public struct StepsReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Users the recipe was learned on.
        public var trainingUsers: Int
        /// Users that rates were chosen on.
        public var validationUsers: Int
        /// Users scored.
        public var scoredUsers: Int
        /// Rates tried, by rule.
        public var rates: [String: [Float]]
        /// Seeds the random start and the bootstrap.
        public var seed: UInt64
    }

    /// One rule after some steps at one support size.
    public struct Row: Sendable, Equatable, Codable {
        /// `learned`, or a hand-made rule and its start, for example `adam.zero`.
        public var method: String
        /// Steps taken.
        public var steps: Int
        /// Support size.
        public var support: Int
        /// Mean AUC over users.
        public var areaUnderCurve: Interval
        /// The learned rule's AUC less this one's, paired.
        public var learnedOver: Interval
        /// The rate chosen; nil for the learned rule.
        public var rate: Float?
        /// Whether it is the least or the largest that was tried.
        public var isRateAtEdge: Bool
        /// Of one thread; what the learned rule makes of a text, once for all users, apart.
        public var microsecondsPerUser: Double
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// In the order of support sizes.
        public var steps: [Row]
    }

    /// What was run.
    public var config: Configuration
    /// Stable name to number; a figure that cannot be measured is absent.
    public var figures: [String: Double]
    /// What is behind them.
    public var tables: Tables

    /// A hand-made rule's scores at its best rate.
    struct Run {
        var rule: HeadDescent
        var start: String
        var steps: Int
        var support: Int
        var rate: Float
        var isRateAtEdge: Bool
        var queries: [ScoredQuery]
        var secondsPerUser: Double
    }

    /// Collects runs; a support size begins with the learned rule.
    struct Builder {
        private let bootstrap: Bootstrap
        private var learned: [Double] = []
        private var rows: [Row] = []

        init(users: Int, seed: UInt64) { bootstrap = Bootstrap(users: users, seed: seed) }

        mutating func addLearned(_ support: Int, steps: Int, _ queries: [ScoredQuery], secondsPerUser: Double) {
            learned = queries.areas
            append("learned", steps, support, learned, nil, false, secondsPerUser)
        }

        mutating func add(_ run: Run) {
            append(
                "\(run.rule.rawValue).\(run.start)", run.steps, run.support, run.queries.areas, run.rate,
                run.isRateAtEdge, run.secondsPerUser)
        }

        private mutating func append(
            _ method: String, _ steps: Int, _ support: Int, _ areas: [Double], _ rate: Float?, _ isAtEdge: Bool,
            _ seconds: Double
        ) {
            rows.append(
                Row(
                    method: method, steps: steps, support: support, areaUnderCurve: bootstrap.interval(areas),
                    learnedOver: bootstrap.interval(zip(learned, areas).map(-)), rate: rate, isRateAtEdge: isAtEdge,
                    microsecondsPerUser: seconds * 1e6))
        }

        func report(_ config: Configuration) -> StepsReport {
            var figures: [String: Double] = [:]
            for own in rows where own.method == "learned" {
                let size = own.support
                figures["auc.learned.s\(size)"] = own.areaUnderCurve.mean
                figures["steps.learned_microseconds.s\(size)"] = own.microsecondsPerUser
                for rule in HeadDescent.allCases {
                    let rivals = rows.filter { $0.support == size && $0.method.hasPrefix("\(rule.rawValue).") }
                    let most = rivals.map(\.steps).max() ?? 0
                    let best = rivals.filter { $0.steps == most }
                        .max { $0.areaUnderCurve.mean < $1.areaUnderCurve.mean }
                    guard let best else { continue }
                    let name = "\(rule.rawValue)\(most)"
                    figures["auc.\(name).s\(size)"] = best.areaUnderCurve.mean
                    figures["steps.\(name)_difference.s\(size)"] = best.learnedOver.mean
                    figures["steps.\(name)_difference_lower.s\(size)"] = best.learnedOver.low
                    figures["steps.\(name)_rate_at_edge.s\(size)"] = best.isRateAtEdge ? 1 : 0
                    figures["steps.\(name)_times_longer.s\(size)"] =
                        best.microsecondsPerUser / max(own.microsecondsPerUser, 1e-3)
                    // The fewest steps that come within .001 of the learned rule's; absent where none do.
                    figures["steps.\(rule.rawValue)_to_target.s\(size)"] =
                        rivals.filter { $0.areaUnderCurve.mean >= own.areaUnderCurve.mean - 0.001 }.map(\.steps).min()
                        .map { Double($0) }
                }
            }
            return StepsReport(config: config, figures: figures, tables: Tables(steps: rows))
        }
    }
}
