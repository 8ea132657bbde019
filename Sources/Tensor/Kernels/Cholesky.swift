/// Solves `A x = b` for a symmetric positive definite `A` by Cholesky's factorisation, in Double.
///
/// - Parameters:
///   - a: row-major `[order, order]`; only the lower triangle is read.
///   - b: `[order]`.
/// - Returns: `[order]`, or nil when `A` is not positive definite (a pivot is not above zero).
/// - Complexity: `O(order³ / 3)`.
public func solvePositiveDefinite(_ a: [Double], _ b: [Double]) -> [Double]? {
    let order = b.count
    precondition(a.count == order * order, "a [\(order), \(order)] matrix has \(a.count) values")
    var factor = a
    for row in 0..<order {
        for column in 0...row {
            var sum = factor[row * order + column]
            for inner in 0..<column { sum -= factor[row * order + inner] * factor[column * order + inner] }
            if row == column {
                guard sum > 0 else { return nil }
                factor[row * order + row] = sum.squareRoot()
            } else {
                factor[row * order + column] = sum / factor[column * order + column]
            }
        }
    }
    var x = b
    for row in 0..<order {
        for inner in 0..<row { x[row] -= factor[row * order + inner] * x[inner] }
        x[row] /= factor[row * order + row]
    }
    for row in stride(from: order - 1, through: 0, by: -1) {
        for inner in row + 1..<order { x[row] -= factor[inner * order + row] * x[inner] }
        x[row] /= factor[row * order + row]
    }
    return x
}
