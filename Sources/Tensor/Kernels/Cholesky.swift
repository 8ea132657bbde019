/// The lower triangle L with `A = L Lᵀ` of a symmetric positive definite matrix, in Double (Cholesky).
public struct CholeskyFactor: Sendable {
    private let order: Int
    /// Row-major `[order, order]`; above the diagonal it means nothing.
    private var lower: [Double]

    /// Factors a matrix, `O(order³ / 3)`; nil when it is not positive definite (a pivot is not above zero).
    ///
    /// - Parameters:
    ///   - a: row-major `[order, order]`; only the lower triangle is read.
    ///   - leastPivot: pivots below it are taken for it, where rounding may have cost a matrix its definiteness.
    public init?(_ a: [Double], order: Int, leastPivot: Double = 0) {
        precondition(a.count == order * order, "a [\(order), \(order)] matrix has \(a.count) values")
        self.order = order
        lower = a
        for row in 0..<order {
            for column in 0...row {
                var sum = lower[row * order + column]
                for inner in 0..<column { sum -= lower[row * order + inner] * lower[column * order + inner] }
                if row == column {
                    let pivot = max(sum, leastPivot)
                    guard pivot > 0 else { return nil }
                    lower[row * order + row] = pivot.squareRoot()
                } else {
                    lower[row * order + column] = sum / lower[column * order + column]
                }
            }
        }
    }

    /// Multiplies by `Lᵀ` in place: a vector whose `A`-norm is asked becomes one whose plain norm is the same.
    ///
    /// - Parameter x: `[order]`.
    public func whiten(_ x: inout [Double]) {
        precondition(x.count == order, "\(x.count) values for an order of \(order)")
        for row in 0..<order {
            var sum = 0.0
            for inner in row..<order { sum += lower[inner * order + row] * x[inner] }
            x[row] = sum
        }
    }

    /// Solves `Lᵀ x = b` in place, the inverse of ``whiten(_:)``.
    ///
    /// - Parameter x: `[order]`: b on entry, the solution on return.
    public func unwhiten(_ x: inout [Double]) {
        precondition(x.count == order, "\(x.count) values for an order of \(order)")
        for row in stride(from: order - 1, through: 0, by: -1) {
            for inner in row + 1..<max(order, row + 1) { x[row] -= lower[inner * order + row] * x[inner] }
            x[row] /= lower[row * order + row]
        }
    }

    /// Solves `A x = b` in place, `O(order²)`.
    ///
    /// - Parameter x: `[order]`: b on entry, the solution on return.
    public func solve(_ x: inout [Double]) {
        precondition(x.count == order, "\(x.count) values for an order of \(order)")
        for row in 0..<order {
            for inner in 0..<row { x[row] -= lower[row * order + inner] * x[inner] }
            x[row] /= lower[row * order + row]
        }
        unwhiten(&x)
    }
}

/// Solves `A x = b` for a symmetric positive definite `A`; see ``CholeskyFactor``.
///
/// - Returns: `[order]`, or nil when `A` is not positive definite.
public func solvePositiveDefinite(_ a: [Double], _ b: [Double]) -> [Double]? {
    guard let factor = CholeskyFactor(a, order: b.count) else { return nil }
    var x = b
    factor.solve(&x)
    return x
}
