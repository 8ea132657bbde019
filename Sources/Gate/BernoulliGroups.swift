import Foundation
public import Tensor

/// Independent draws of which row groups are kept: group j with probability `p_j = sigmoid(l_j)`.
public struct BernoulliGroups: Sendable, Equatable {
    /// `l`, `[groups]`.
    public let logits: [Double]

    /// The draws of some logits.
    public init(logits: [Double]) { self.logits = logits }

    /// `p`, `[groups]`.
    public var probabilities: [Double] { logits.map(logistic) }

    /// `log π(m) = Σ_j m_j l_j - softplus(l_j)`, nats.
    public func logProbability(of mask: [Bool]) -> Double {
        zip(mask, logits).reduce(0) { $0 + ($1.0 ? $1.1 : 0) - softplus($1.1) }
    }

    /// `d log π(m) / dl_j = m_j - p_j`.
    public func logProbabilityGradient(of mask: [Bool]) -> [Double] {
        zip(mask, logits).map { ($0 ? 1 : 0) - logistic($1) }
    }

    /// `H = Σ_j softplus(l_j) - l_j p_j`, nats.
    public var entropy: Double { logits.reduce(0) { $0 + softplus($1) - $1 * logistic($1) } }

    /// `dH/dl_j = -l_j p_j (1 - p_j)`.
    public var entropyGradient: [Double] { logits.map { -$0 * logistic($0) * (1 - logistic($0)) } }

    /// Draws a mask.
    ///
    /// - Returns: where no group was drawn the likeliest is kept, because an adapter without rows has no gradient; such a mask is
    ///   not one of the policy's, and `isSampled` is false.
    public func draw(_ random: inout RandomSource) -> (mask: [Bool], isSampled: Bool) {
        var mask = probabilities.map { random.uniform() < $0 }
        guard !mask.contains(true), let likeliest = Self.largest(1, of: logits).firstIndex(of: true) else {
            return (mask, true)
        }
        mask[likeliest] = true
        return (mask, false)
    }

    /// Which `count` of some values are largest, the lower index where two are equal.
    public static func largest(_ count: Int, of values: [Double]) -> [Bool] {
        var mask = [Bool](repeating: false, count: values.count)
        for index in values.indices.sorted(by: { (values[$0], $1) > (values[$1], $0) }).prefix(max(count, 0)) {
            mask[index] = true
        }
        return mask
    }
}

/// `log(1 + exp(x))`, without overflow.
func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
