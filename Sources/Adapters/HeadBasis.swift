public import Tensor

/// Directions that a recipe's users share: a user's difference to the start head is a few coefficients along them.
///
/// What has to be kept of a difference `d` is what it does to logits. With features of mean `m` and covariance `C`, the
/// coefficients `k` that leave the least mean square error of the logits, the bias taking up the error's mean, are
/// ```
/// k = F d,   F = (V C Vᵀ)⁻¹ V C          error (d - Vᵀk)ᵀ C (d - Vᵀk),   bias + m · (d - Vᵀk)
/// ```
/// with the directions as rows of `V`. `F` is stored beside `V`, so that neither `C` nor an inverse is needed to adapt.
public struct HeadBasis: Sendable, Equatable {
    /// `V`, `[count, width]`: what one unit of each coefficient adds to the weights; most important first.
    public let directions: Matrix
    /// `F`, `[count, width]`: a difference's coefficients.
    public let projector: Matrix
    /// `m`, `[width]`: the mean feature of the meta-users' examples.
    public let meanFeature: [Float]
    /// How coefficients are rounded.
    public let precision: CoefficientPrecision

    /// Most directions of a basis: more would not be smaller than rows.
    public static let largestCount = 256

    /// Assembles a basis; `projector` is `[count, width]` like `directions`, `meanFeature` is `[width]`.
    public init(directions: Matrix, projector: Matrix, meanFeature: [Float], precision: CoefficientPrecision) {
        precondition(
            directions.rows == projector.rows && directions.columns == projector.columns
                && meanFeature.count == directions.columns, "directions, projector and mean of one width")
        precondition((1...Self.largestCount).contains(directions.rows), "1 to \(Self.largestCount) directions")
        self.directions = directions
        self.projector = projector
        self.meanFeature = meanFeature
        self.precision = precision
    }

    /// Number of directions.
    public var count: Int { directions.rows }
    /// Number of features.
    public var width: Int { directions.columns }

    /// The first `count` directions, rounded as asked; the rest of the basis does not change what they are.
    public func prefix(_ count: Int, precision: CoefficientPrecision) -> HeadBasis {
        let kept = min(count, self.count)
        func first(_ matrix: Matrix) -> Matrix {
            Matrix(rows: kept, columns: width, values: Array(matrix.values.prefix(kept * width)))
        }
        return HeadBasis(
            directions: first(directions), projector: first(projector), meanFeature: meanFeature,
            precision: precision)
    }

    /// Coefficients of dense differences by least squares, `[differences, count]`.
    ///
    /// - Parameter differences: `[differences, width]`.
    public func coefficients(of differences: Matrix) -> Matrix { matmul(differences, projector, transposeB: true) }

    /// The sum of directions, `[width]`.
    ///
    /// - Parameter coefficients: `[count]`.
    public func combine(_ coefficients: [Float]) -> [Float] {
        precondition(coefficients.count == count, "\(coefficients.count) coefficients for \(count) directions")
        var sum = [Float](repeating: 0, count: width)
        matmul(coefficients.span, directions.values.span, into: &sum, m: 1, n: width, k: count)
        return sum
    }

    /// What is left of a difference, before coefficients are rounded: weights of shape `[width]`, and bias.
    public func projected(_ difference: [Float], bias: Float) -> (weights: [Float], bias: Float) {
        let coefficients = coefficients(of: Matrix(rows: 1, columns: width, values: difference))
        let kept = combine(coefficients.values)
        return (kept, self.bias(bias, of: difference, keptAs: kept))
    }

    /// The bias that leaves the mean logit as it is where `kept` stands for `difference`.
    ///
    /// - Parameters:
    ///   - difference: `[width]`, what was fitted.
    ///   - kept: `[width]`, what the coefficients stand for.
    func bias(_ bias: Float, of difference: [Float], keptAs kept: [Float]) -> Float {
        var sum = bias
        for row in 0..<width { sum += meanFeature[row] * (difference[row] - kept[row]) }
        return sum
    }
}

/// How a coefficient is stored.
public enum CoefficientPrecision: String, Sendable, CaseIterable, Codable {
    /// One byte, -127 to 127.
    case int8
    /// Half a byte, -7 to 7.
    case int4

    /// The largest stored magnitude; the one below it in two's complement is unused, so that negation is exact.
    public var limit: Int8 { self == .int8 ? 127 : 7 }

    /// Bytes of so many values.
    public func byteCount(_ values: Int) -> Int { self == .int8 ? values : (values + 1) / 2 }
}
