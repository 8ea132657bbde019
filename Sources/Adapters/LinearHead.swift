public import Tensor

/// A scalar linear head over pooled features: `logit = x · weights + bias`.
///
/// Features are the encoder's rows at unit norm; whatever scale a head was trained at is folded into its weights, so
/// every head of every recipe acts on the same numbers.
public struct LinearHead: Sendable, Equatable {
    /// One weight a feature, shape `[width]`.
    public var weights: [Float]
    /// The logit of a zero feature.
    public var bias: Float

    /// Makes a head of `weights.count` features.
    public init(weights: [Float], bias: Float) {
        self.weights = weights
        self.bias = bias
    }

    /// The head that scores everything zero.
    public static func zero(width: Int) -> LinearHead {
        LinearHead(weights: [Float](repeating: 0, count: width), bias: 0)
    }

    /// Number of features.
    public var width: Int { weights.count }

    /// Whether every number is finite.
    public var isFinite: Bool { bias.isFinite && weights.allSatisfy(\.isFinite) }

    /// `share` of this head and `otherShare` of another of the same width.
    public func mixed(_ share: Float, with otherShare: Float, of other: LinearHead) -> LinearHead {
        precondition(other.width == width, "heads of one width")
        return LinearHead(
            weights: zip(weights, other.weights).map { share * $0 + otherShare * $1 },
            bias: share * bias + otherShare * other.bias)
    }

    /// One logit a row.
    ///
    /// - Parameter features: `[rows, width]`.
    /// - Returns: `[rows]`.
    public func logits(of features: Matrix) -> [Float] {
        precondition(features.columns == width, "a head of \(width) features, rows of \(features.columns)")
        var logits = [Float](repeating: bias, count: features.rows)
        matmul(features.values.span, weights.span, into: &logits, m: features.rows, n: 1, k: width, beta: 1)
        return logits
    }
}
