/// Eigenvalues and eigenvectors of a symmetric positive semidefinite matrix, in Double.
///
/// One-sided Jacobi (Hestenes 1958): rows are rotated in pairs until each is orthogonal to every other; the rows of such a
/// matrix are its eigenvectors, as long as their eigenvalues. Rows lie side by side, so that nothing is read across them,
/// and small eigenvalues are as exact as large ones (Demmel and Veselić 1992).
public struct SymmetricEigen: Sendable {
    /// Largest first, at least zero, `[order]`.
    public let values: [Double]
    /// Row-major `[order, order]`: one unit vector a row, of which the entry of largest magnitude is positive. Where an
    /// eigenvalue is zero but for rounding, zeros.
    public let vectors: [Double]

    /// Sweeps over all pairs at most; a matrix of some hundred rows takes about ten.
    private static let sweeps = 60

    /// Decomposes a matrix, `O(order³)` a sweep.
    ///
    /// - Parameters:
    ///   - matrix: row-major `[order, order]`, symmetric, no eigenvalue below zero.
    ///   - order: rows and columns.
    /// - Returns: nil when a value is not finite.
    public init?(_ matrix: [Double], order: Int) {
        precondition(matrix.count == order * order, "a [\(order), \(order)] matrix has \(matrix.count) values")
        guard !matrix.contains(where: { !$0.isFinite }) else { return nil }
        var rows = matrix
        // The square of a length below which a row is rounding: its direction says nothing.
        let negligible = rows.reduce(0) { $0 + $1 * $1 } * 0x1p-96
        for _ in 0..<Self.sweeps where Self.sweep(&rows, order, negligible) == 0 { break }
        let lengths = (0..<order).map { row in
            rows[row * order..<(row + 1) * order].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let ordered = lengths.indices.sorted { lengths[$0] > lengths[$1] }
        values = ordered.map { lengths[$0] }
        vectors = ordered.flatMap { row -> [Double] in
            guard lengths[row] * lengths[row] > negligible else { return [Double](repeating: 0, count: order) }
            let vector = rows[row * order..<(row + 1) * order]
            let largest = vector.max { abs($0) < abs($1) } ?? 1
            return vector.map { $0 / (largest < 0 ? -lengths[row] : lengths[row]) }
        }
    }

    /// Rotates every pair of rows that are not orthogonal; returns how many were not.
    private static func sweep(_ rows: inout [Double], _ order: Int, _ negligible: Double) -> Int {
        var rotations = 0
        var target = rows.mutableSpan
        for upper in 0..<order {
            for lower in upper + 1..<max(order, upper + 1) {
                let (p, q) = (upper &* order, lower &* order)
                var (alpha, beta, gamma) = (0.0, 0.0, 0.0)
                for column in 0..<order {
                    let (x, y) = (target[p &+ column], target[q &+ column])
                    alpha += x * x
                    beta += y * y
                    gamma += x * y
                }
                guard gamma * gamma > alpha * beta * 0x1p-88, alpha > negligible, beta > negligible else { continue }
                rotations += 1
                let zeta = (beta - alpha) / (2 * gamma)
                let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
                let cosine = 1 / (1 + tangent * tangent).squareRoot()
                let sine = cosine * tangent
                for column in 0..<order {
                    let (x, y) = (target[p &+ column], target[q &+ column])
                    target[p &+ column] = cosine * x - sine * y
                    target[q &+ column] = sine * x + cosine * y
                }
            }
        }
        return rotations
    }
}
