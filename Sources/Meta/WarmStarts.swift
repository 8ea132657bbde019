public import Adapters
import Foundation
import Tensor

/// States that users' steps begin at instead of zero: copies of differences that they were served with before.
///
/// A rule reaches the differences `P a`; a copy `d` begins at the `a` whose `scale P a` comes nearest to it, so that
/// without a step just `d` (as far as the rule reaches) would be published again.
public struct WarmStarts: Sendable {
    /// `[users, width]`; rows of users without a copy are zero.
    let states: Matrix
    /// One `c` a user; nil: no copy, the rule's start.
    let biases: [Float?]

    /// The start of one user, if there is one.
    subscript(user: Int) -> (state: ArraySlice<Float>, bias: Float)? {
        biases[user].map { (states.row(user), $0) }
    }
}

/// Finds the states that differences come from, under one rule; made once a rule, `O(width³)`.
public struct StateFinder: Sendable {
    /// `(PᵀP + ridge)⁻¹ Pᵀ`, `[width, width]`; for an isotropic rule its one number.
    private enum Inverse: Sendable {
        case isotropic(Float)
        case dense(Matrix)
    }

    private let inverse: Inverse
    private let width: Int

    /// - Parameter rule: the one that the states are for.
    public init(_ rule: PreconditionedRule) {
        width = rule.width
        switch rule.preconditioner {
        case .isotropic(let scale): inverse = .isotropic(scale == 0 ? 0 : 1 / scale)
        case .dense(let matrix): inverse = .dense(Self.leastSquares(matrix))
        }
    }

    /// Where users' steps begin who have had these differences.
    ///
    /// - Parameters:
    ///   - deltas: one a user, of the rule's width; nil: the rule's own start.
    ///   - scale: ``AdaptationSettings/scale`` that the result is published with; 0 has no use for a copy.
    public func starts(from deltas: [HeadDelta?], scale: Float) -> WarmStarts {
        guard scale > 0 else {
            return WarmStarts(states: Matrix(rows: deltas.count, columns: width), biases: deltas.map { _ in nil })
        }
        var dense = Matrix(rows: deltas.count, columns: width)
        var biases: [Float?] = Array(repeating: nil, count: deltas.count)
        for (user, delta) in deltas.enumerated() {
            guard let delta else { continue }
            precondition(delta.width == width, "a delta of \(delta.width) rows for a rule of \(width)")
            let (weights, bias) = delta.dense()
            for row in 0..<width { dense[user, row] = weights[row] / scale }
            biases[user] = bias / scale
        }
        switch inverse {
        case .isotropic(let factor):
            dense.values = dense.values.map { $0 * factor }
            return WarmStarts(states: dense, biases: biases)
        case .dense(let matrix):
            return WarmStarts(states: matmul(dense, matrix, transposeB: true), biases: biases)
        }
    }

    /// The normal equations, in Double; the ridge keeps directions that `P` hardly reaches from blowing up.
    private static func leastSquares(_ matrix: Matrix) -> Matrix {
        let n = matrix.rows
        let product = matmul(matrix, matrix, transposeA: true)
        let ridge = 1e-6 * (0..<n).reduce(0) { $0 + Double(product[$1, $1]) } / Double(n) + 1e-30
        var system = product.values.map(Double.init)
        for index in 0..<n { system[index * n + index] += ridge }
        // Numbers so large that their squares are infinite: whoever begins at a copy is then kept as not finite.
        guard let factor = CholeskyFactor(system, order: n, leastPivot: ridge) else {
            return Matrix(rows: n, columns: n, filledWith: .nan)
        }
        var result = Matrix(rows: n, columns: n)
        // Column j of the result solves for column j of Pᵀ, which is row j of P.
        for j in 0..<n {
            var solution = matrix.row(j).map(Double.init)
            factor.solve(&solution)
            for row in 0..<n { result[row, j] = Float(solution[row]) }
        }
        return result
    }
}
