import Foundation

/// What the judged users of a wave came to: paired differences of held-out log loss, new less old, nats an example.
public struct WaveEvidence: Sendable, Equatable {
    /// Users judged.
    public var users: Int
    /// Mean difference; negative is better.
    public var mean: Double
    /// Standard deviation of one user's difference.
    public var deviation: Double

    /// States evidence.
    public init(users: Int, mean: Double, deviation: Double) {
        self.users = users
        self.mean = mean
        self.deviation = deviation
    }
}

/// What a wave is taken for.
public enum WaveVerdict: String, Sendable, CaseIterable {
    /// Its interval still crosses the margin, and more users are to come.
    case watching
    /// Not worse by the margin.
    case passed
    /// Worse by more than the margin.
    case failed
    /// Everyone has been judged and the interval still crosses the margin.
    case undecided
    /// Against it, and a person took that upon them.
    case accepted
    /// Nothing is judged in it, or too few users were to say anything.
    case unjudged

    /// Whether what comes after the wave may begin.
    public var letsGoOn: Bool { self == .passed || self == .accepted || self == .unjudged }
}

/// The rule by which a wave is judged: is the new base worse than the old by less than a margin?
///
/// The bounds are a confidence sequence, valid at every number of users at once, so that looking after each user does
/// not pause a good campaign more often than ``errorRate`` (QUEUE rule 23). It is the asymptotic normal-mixture
/// sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
/// confidence sequences", Annals of Statistics 2024, equation 7; the mixture is Robbins 1970):
/// ```
/// mean ± deviation * sqrt(2 (n ρ² + 1) / (n² ρ²) * log(sqrt(n ρ² + 1) / errorRate))
/// ```
/// with `ρ` chosen so that it is about as tight as can be at ``tunedUsers``.
public struct NonInferiority: Sendable, Equatable {
    /// Nats an example by which the new base may be worse; above 0.
    public var margin: Double
    /// Chance, over all looks at one wave together, that an interval misses the truth; within `0..<1`.
    public var errorRate: Double
    /// Users at which the interval is tightest for its error rate.
    public var tunedUsers: Double
    /// Below this the normal approximation says nothing; no interval is given.
    public static let minimumUsers = 30

    /// States a rule.
    public init(margin: Double, errorRate: Double, tunedUsers: Double = 300) {
        precondition(margin > 0 && errorRate > 0 && errorRate < 1 && tunedUsers > 0, "a margin and an error rate")
        self.margin = margin
        self.errorRate = errorRate
        self.tunedUsers = tunedUsers
    }

    /// The interval that holds the true mean difference; nil below ``minimumUsers``.
    public func interval(_ evidence: WaveEvidence) -> ClosedRange<Double>? {
        guard evidence.users >= Self.minimumUsers, evidence.mean.isFinite, evidence.deviation.isFinite else {
            return nil
        }
        let n = Double(evidence.users)
        let tightness = -2 * log(errorRate)
        let mixture = (tightness + log(tightness) + 1) / tunedUsers  // ρ²
        let spread = n * mixture + 1
        let radius =
            evidence.deviation * (2 * spread / (n * n * mixture) * log(spread.squareRoot() / errorRate)).squareRoot()
        return (evidence.mean - radius)...(evidence.mean + radius)
    }

    /// The verdict on a wave.
    ///
    /// - Parameter isComplete: whether nobody of the wave is left to be judged.
    public func verdict(_ evidence: WaveEvidence, isComplete: Bool) -> WaveVerdict {
        guard let interval = interval(evidence) else { return isComplete ? .undecided : .watching }
        if interval.lowerBound > margin { return .failed }
        if interval.upperBound < margin { return .passed }
        return isComplete ? .undecided : .watching
    }
}
