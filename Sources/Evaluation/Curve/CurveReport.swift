import Meta

/// What `attune eval curve` writes: figures by their stable names, and the tables behind them.
public struct CurveReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Users that methods were learned on.
        public var trainingUsers: Int
        /// Users that settings were chosen on.
        public var validationUsers: Int
        /// Users scored.
        public var scoredUsers: Int
        /// Whether those are the same, so that every tuned method looks a little better than it is.
        public var isTunedOnScoredUsers: Bool
        /// Settings of a method that were tried at most, at each number of steps and support size.
        public var settingsPerMethod: Int
        /// Folds of the meta-train users that each learned method is the mean of; learned optimisers use one.
        public var folds: Int
        /// Outer steps of a fold, at most.
        public var maximumOuterSteps: Int
        /// Users of an outer step.
        public var usersPerOuterStep: Int
        /// Outer rates tried on the first fold.
        public var outerRates: [Float]
        /// Seeds every draw.
        public var seed: UInt64
    }

    /// One method after some steps at one support size.
    public struct Row: Sendable, Equatable, Codable {
        /// As it is called in figures.
        public var method: String
        /// Whether the number of steps means something to it.
        public var hasSteps: Bool
        /// Inner steps.
        public var steps: Int
        /// Support size.
        public var support: Int
        /// Mean AUC over users.
        public var areaUnderCurve: Interval
        /// The product's AUC less this one's, paired.
        public var productOver: Interval
        /// This one's AUC less the ridge's, paired.
        public var overRidge: Interval
        /// Gain in query log loss over the head for everyone, nats a user, at the setting of the validation users' least log loss; nil
        /// where logits are not meant as such.
        public var gain: Gain?
        /// The setting chosen for its AUC; nil where there was nothing to choose.
        public var setting: Float?
        /// Whether it is the first or last that was tried.
        public var isSettingAtEdge: Bool
        /// Adapting and scoring, one thread.
        public var microsecondsPerUser: Double
    }

    /// How a gain is distributed over users.
    public struct Gain: Sendable, Equatable, Codable {
        /// Mean, nats.
        public var mean: Double
        /// The 5 % quantile: what it costs those it harms most.
        public var low: Double
        /// The median.
        public var median: Double
        /// The 95 % quantile.
        public var high: Double
        /// The share of users with more than .02 nats less than nothing.
        public var shareHarmed: Double

        init(_ gains: [Double]) {
            let sorted = gains.sorted()
            func quantile(_ share: Double) -> Double {
                sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
            }
            (mean, low, median, high) = (
                gains.isEmpty ? 0 : gains.reduce(0, +) / Double(gains.count), quantile(0.05), quantile(0.5),
                quantile(0.95)
            )
            let harmed = gains.count { $0 < -LossComparison.materialLoss }
            shareHarmed = gains.isEmpty ? 0 : Double(harmed) / Double(gains.count)
        }
    }

    /// How few steps and how little time reach the ridge's mean AUC over all support sizes.
    public struct Target: Sendable, Equatable, Codable {
        /// A method with steps.
        public var method: String
        /// The fewest steps that reach it; nil: none of those tried.
        public var steps: Int?
        /// Of adapting and scoring one user with so many, one thread, mean over support sizes.
        public var microsecondsPerUser: Double?
    }

    /// Membership inference at one support size.
    public struct Membership: Sendable, Equatable, Codable {
        /// Whose heads: `product`; `stored`, as its stored bytes give them; `published`, half way and guarded as jobs
        /// publish; `logistic`, fitted to the same examples.
        public var method: String
        /// Support size.
        public var support: Int
        /// Mean AUC over users; .5 tells nothing.
        public var areaUnderCurve: Interval
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// In the order of support sizes, then methods, then steps.
        public var curve: [Row]
        /// Methods with steps.
        public var targets: [Target]
        /// In the order of support sizes.
        public var membership: [Membership]
    }

    /// What was run.
    public var config: Configuration
    /// Stable name to number; a figure that cannot be measured is absent.
    public var figures: [String: Double]
    /// What is behind them.
    public var tables: Tables
}
