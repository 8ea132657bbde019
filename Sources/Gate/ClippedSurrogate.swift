import Foundation

/// PPO's clipped objective for one draw (Schulman et al. 2017, equation 7), as a loss: `-min(r A, clip(r, 1 - ε, 1 + ε) A)`, with
/// `r = π(m) / π_old(m)` and `A` the advantage.
public struct ClippedSurrogate: Sendable, Equatable {
    /// `ε`.
    public var range = 0.2
    /// Whether each group's ratio is clipped alone, `r_j = π_j(m_j) / π_old,j(m_j)`, and their terms summed: with many groups the
    /// joint ratio leaves the range at once.
    public var clipsEachGroup = false

    /// The defaults.
    public init() {}

    /// One draw's loss.
    public struct Value: Sendable, Equatable {
        /// The loss.
        public var loss: Double
        /// By the new logits, `[groups]`: `-r A (m - p)`, zero where the clip is active.
        public var gradient: [Double]
        /// The share of the ratios that were clipped.
        public var clippedShare: Double
        /// `(r - 1) - log r` of the joint ratio, whose mean estimates the Kullback-Leibler divergence (Schulman 2020).
        public var divergence: Double
    }

    /// Evaluates a draw.
    ///
    /// - Parameters:
    ///   - mask: what was drawn from `old`.
    ///   - advantage: of the draw; greater is better.
    public func evaluate(
        _ mask: [Bool], new: BernoulliGroups, old: BernoulliGroups, advantage: Double
    ) -> Value {
        let scores = new.logProbabilityGradient(of: mask)
        let logRatios = zip(mask, zip(new.logits, old.logits)).map { kept, logits in
            (kept ? logits.0 - logits.1 : 0) - softplus(logits.0) + softplus(logits.1)
        }
        let joint = logRatios.reduce(0, +)
        let divergence = exp(joint) - 1 - joint
        guard clipsEachGroup else {
            let term = clipped(exp(joint), advantage)
            return Value(
                loss: term.loss, gradient: scores.map { term.slope * $0 }, clippedShare: term.isClipped ? 1 : 0,
                divergence: divergence)
        }
        let terms = logRatios.map { clipped(exp($0), advantage) }
        return Value(
            loss: terms.reduce(0) { $0 + $1.loss }, gradient: zip(terms, scores).map { $0.slope * $1 },
            clippedShare: Double(terms.count(where: \.isClipped)) / Double(max(terms.count, 1)), divergence: divergence)
    }

    /// The loss of a ratio and its slope by the ratio's logarithm.
    func clipped(_ ratio: Double, _ advantage: Double) -> (loss: Double, slope: Double, isClipped: Bool) {
        let isClipped = advantage > 0 ? ratio > 1 + range : advantage < 0 && ratio < 1 - range
        let bounded = min(max(ratio, 1 - range), 1 + range)
        return (-min(ratio * advantage, bounded * advantage), isClipped ? 0 : -ratio * advantage, isClipped)
    }
}
