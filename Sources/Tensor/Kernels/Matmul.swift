import COpenBLAS

/// `c = alpha * op(a) * op(b) + beta * c` over row-major matrices, by OpenBLAS `sgemm`.
///
/// - Parameters:
///   - a: `[m, k]`, or `[k, m]` when `transposeA`.
///   - b: `[k, n]`, or `[n, k]` when `transposeB`.
///   - c: `[m, n]`, overwritten.
public func matmul(
    _ a: Matrix, _ b: Matrix, into c: inout Matrix,
    transposeA: Bool = false, transposeB: Bool = false, alpha: Float = 1, beta: Float = 0
) {
    let (m, k) = transposeA ? (a.columns, a.rows) : (a.rows, a.columns)
    let n = transposeB ? b.rows : b.columns
    matmul(
        a.values.span, b.values.span, into: &c.values, m: m, n: n, k: k,
        transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta)
}

/// The same over flat buffers, for callers that reuse storage.
///
/// - Parameters:
///   - a: at least `m * k` values, `[m, k]` or `[k, m]` when `transposeA`.
///   - b: at least `k * n` values, `[k, n]` or `[n, k]` when `transposeB`.
///   - c: at least `m * n` values, `[m, n]`.
public func matmul(
    _ a: Span<Float>, _ b: Span<Float>, into c: inout [Float], m: Int, n: Int, k: Int,
    transposeA: Bool = false, transposeB: Bool = false, alpha: Float = 1, beta: Float = 0
) {
    precondition(a.count >= m * k && b.count >= k * n && c.count >= m * n, "matmul [\(m), \(k)] x [\(k), \(n)]")
    guard m > 0, n > 0 else { return }
    unsafe a.withUnsafeBufferPointer { a in
        unsafe b.withUnsafeBufferPointer { b in
            unsafe c.withUnsafeMutableBufferPointer { c in
                unsafe cblas_sgemm(
                    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
                    Int32(m), Int32(n), Int32(k), alpha, a.baseAddress, Int32(transposeA ? m : k), b.baseAddress,
                    Int32(transposeB ? k : n), beta, c.baseAddress, Int32(n))
            }
        }
    }
}

/// `a · b`, shape `[m, n]`; see ``matmul(_:_:into:transposeA:transposeB:alpha:beta:)``.
public func matmul(_ a: Matrix, _ b: Matrix, transposeA: Bool = false, transposeB: Bool = false) -> Matrix {
    var c = Matrix(rows: transposeA ? a.columns : a.rows, columns: transposeB ? b.rows : b.columns)
    matmul(a, b, into: &c, transposeA: transposeA, transposeB: transposeB)
    return c
}

/// `c = alpha * op(a) * op(b) + beta * c` over views, by OpenBLAS `sgemm`; what lies between their rows is not touched.
///
/// - Parameters:
///   - a: `[m, k]`, or `[k, m]` when `transposeA`.
///   - b: `[k, n]`, or `[n, k]` when `transposeB`.
///   - c: `[m, n]`, overwritten; it overlaps neither a nor b. With `beta` 0 it may hold anything, even NaN.
public func matmul(
    _ a: MatrixView, _ b: MatrixView, into c: MatrixView,
    transposeA: Bool = false, transposeB: Bool = false, alpha: Float = 1, beta: Float = 0
) {
    let (m, k) = transposeA ? (a.columns, a.rows) : (a.rows, a.columns)
    let (inner, n) = transposeB ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(
        k == inner && c.rows == m && c.columns == n, "[\(m), \(k)] x [\(inner), \(n)] into [\(c.rows), \(c.columns)]")
    guard m > 0, n > 0 else { return }
    unsafe cblas_sgemm(
        CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
        Int32(m), Int32(n), Int32(k), alpha, a.start, Int32(max(a.stride, 1)), b.start, Int32(max(b.stride, 1)), beta,
        c.start, Int32(c.stride))
}
