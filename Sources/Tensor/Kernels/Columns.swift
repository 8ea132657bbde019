/// `sums[0, j] += Σ_i x[i, j]`: what a bias that was added to every row has for a gradient.
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - sums: `[1, columns]`, added to.
public func addColumnSums(_ x: MatrixView, to sums: MatrixView) {
    precondition(sums.rows == 1, "[\(sums.rows), \(sums.columns)] column sums")
    for row in 0..<x.rows { add(x.rows(row..<row + 1), to: sums) }
}

/// `y[i, j] = x[i, j] factors[0, j]`; y may be x.
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - factors: `[1, columns]`.
///   - y: `[rows, columns]`, overwritten.
public func multiplyColumns(_ x: MatrixView, by factors: MatrixView, into y: MatrixView) {
    precondition(factors.rows == 1, "[\(factors.rows), \(factors.columns)] factors of columns")
    for row in 0..<x.rows {
        let one = row..<row + 1
        mapValues(x.rows(one), factors, into: y.rows(one)) { $0 * $1 }
    }
}

/// `sums[0, j] += Σ_i a[i, j] b[i, j]`: what factors of columns have for a gradient.
///
/// - Parameters:
///   - a: `[rows, columns]`.
///   - b: `[rows, columns]`.
///   - sums: `[1, columns]`, added to.
public func addColumnDots(_ a: MatrixView, _ b: MatrixView, to sums: MatrixView) {
    a.requireShape(of: b)
    precondition(sums.rows == 1 && sums.columns == a.columns, "[\(sums.rows), \(sums.columns)] column sums")
    for row in 0..<a.rows {
        let (left, right, sums) = unsafe (UnsafePointer(a.row(row)), UnsafePointer(b.row(row)), sums.row(0))
        unsafe mapRow(sums, into: sums, count: a.columns) { unsafe $0 + left[$1] * right[$1] }
    }
}

/// `Σ a[i, j] b[i, j]`.
///
/// - Parameters:
///   - a: `[rows, columns]`.
///   - b: `[rows, columns]`.
public func innerProduct(_ a: MatrixView, _ b: MatrixView) -> Float {
    a.requireShape(of: b)
    var total: Float = 0
    for row in 0..<a.rows { unsafe total += dot(a.row(row), b.row(row), a.columns) }
    return total
}
