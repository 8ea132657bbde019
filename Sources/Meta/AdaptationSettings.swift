/// How a job adapts: the part of a recipe that a job may override within the recipe's bounds.
public struct AdaptationSettings: Sendable, Equatable, Codable {
    /// Inner steps to run, 1 up to the rule's number of steps.
    public var steps: Int
    /// At most this many rows of the delta are stored.
    public var rowBudget: Int
    /// The newest examples of a user that are used.
    public var maximumExamples: Int
    /// How far from the head without data towards the fitted head the published one is, within `0...1`: half way harms a
    /// third as many users materially, for a tenth to a fifth of the gain (measured).
    public var scale: Float
    /// The leave-out check; nil publishes every finite delta.
    public var guarding: GuardSettings?

    /// States a job's settings.
    public init(steps: Int, rowBudget: Int, maximumExamples: Int, scale: Float, guarding: GuardSettings?) {
        self.steps = steps
        self.rowBudget = rowBudget
        self.maximumExamples = maximumExamples
        self.scale = scale
        self.guarding = guarding
    }

    /// The whole delta, unguarded and ungated: what quality tables call the product with the guard off.
    public static func unguarded(steps: Int, width: Int) -> AdaptationSettings {
        AdaptationSettings(steps: steps, rowBudget: width, maximumExamples: 128, scale: 1, guarding: nil)
    }
}

/// When an adaptation may be published (invariant I9).
public struct GuardSettings: Sendable, Equatable, Codable {
    /// From this many examples on the support judges by itself; below, ``smallSupportGain`` stands in.
    public var minimumExamples: Int
    /// The recipe's validated gain in query log loss (nats, positive is better) at supports below ``minimumExamples``.
    public var smallSupportGain: Float
    /// How much worse than the head without data (nats) the leave-out loss may look: a few held-out pairs say little, and half
    /// the way to a head that fits badly harms little.
    public var tolerance: Float

    /// States the guard.
    public init(minimumExamples: Int = 4, smallSupportGain: Float, tolerance: Float = 0.05) {
        self.minimumExamples = minimumExamples
        self.smallSupportGain = smallSupportGain
        self.tolerance = tolerance
    }

    /// Reads settings; those from before there was a tolerance had none.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            minimumExamples: try values.decode(Int.self, forKey: .minimumExamples),
            smallSupportGain: try values.decode(Float.self, forKey: .smallSupportGain),
            tolerance: try values.decodeIfPresent(Float.self, forKey: .tolerance) ?? 0)
    }
}
