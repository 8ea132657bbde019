/// What `attune eval personalization` prints: figures by their stable names, and the tables behind them.
public struct PersonalizationReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Users a recipe was learned on, the mean of the parts.
        public var trainingUsers: Int
        /// Users that penalties of baselines were chosen on.
        public var validationUsers: Int
        /// Users scored: those of the test file, or the validation users.
        public var scoredUsers: Int
        /// Parts that the scored users fall into, each scored under a recipe learned without it.
        public var parts: Int
        /// Whether the scored users come from a file of their own.
        public var hasTestFile: Bool
        /// Inner steps of the recipes.
        public var steps: Int
        /// Rows an adapter may keep.
        public var rowBudget: Int
        /// Seeds the outer loop, the shuffles and the bootstrap.
        public var seed: UInt64
    }

    /// One method at one support size.
    public struct MethodRow: Sendable, Equatable, Codable {
        /// `global_head`, `user_bias`, `ridge`, `logistic`; `product`, the learned rule's head with the guard off, `product.k1`… after
        /// fewer steps; `stored`, the same as its stored bytes give it; `guarded`, as jobs publish it; `text`, where there are
        /// side features, the product without them; the controls `swapped` and
        /// `shuffled`.
        public var method: String
        /// Support size.
        public var support: Int
        /// Mean AUC over users.
        public var areaUnderCurve: Interval
        /// Paired difference to the ridge.
        public var overRidge: Interval
        /// Mean query log loss over users, nats.
        public var logLoss: Double
        /// The penalty chosen, for methods that have one.
        public var penalty: Double?
    }

    /// What becomes of users at one support size, shares of users within `0...1`.
    public struct HarmRow: Sendable, Equatable, Codable {
        /// Support size.
        public var support: Int
        /// Whether the guard was on.
        public var isGuarded: Bool
        /// Log loss significantly worse than the global head's.
        public var harmSignificant: Double
        /// Significantly better.
        public var betterSignificant: Double
        /// Worse by more than 0.02 nats.
        public var harmMaterial: Double
        /// The guard published nothing.
        public var kept: Double
        /// The AUC gain that is left, as a share of the unguarded product's.
        public var gainKept: Double
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// Quality.
        public var methods: [MethodRow]
        /// Harm.
        public var harm: [HarmRow]
    }

    /// What was run.
    public var config: Configuration
    /// Stable name to number; a figure that cannot be measured is absent.
    public var figures: [String: Double]
    /// The tables behind the figures.
    public var tables: Tables
}
