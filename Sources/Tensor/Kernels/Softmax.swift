/// Softmax of each row in place over the columns that the row may see, and zero behind them:
/// `exp(x_j - max) / Σ exp(x_k - max)`.
///
/// - Parameters:
///   - x: `[rows, padded]`, padded a multiple of 16 so that no row has a remainder: what lies behind `columns` may be
///     anything.
///   - columns: how many columns of finite values there are.
///   - isCausal: whether row i sees its first `i + 1` columns only.
package func softmaxRows(_ x: MatrixView, columns: Int, isCausal: Bool = false) {
    let width = Lanes.scalarCount
    precondition(columns <= x.columns && x.columns % width == 0, "softmax of \(columns) of \(x.columns) columns")
    guard columns > 0 else { return }
    for row in 0..<x.rows {
        let values = unsafe x.row(row)
        let seen = isCausal ? min(row + 1, columns) : columns
        let end = unsafe softmax(values, count: seen)
        for index in stride(from: end, to: x.columns, by: width) { unsafe store(.zero, values + index) }
    }
}

/// Softmax of `count >= 1` values in place, and zeros behind them up to a whole vector.
///
/// - Returns: the first index behind that vector.
@inline(__always)
private func softmax(_ values: UnsafeMutablePointer<Float>, count: Int) -> Int {
    let last = (count - 1) / Lanes.scalarCount * Lanes.scalarCount
    let end = last + Lanes.scalarCount
    let isBehind = laneIndices .> Lanes(repeating: Float(count - last) - 0.5)
    unsafe store(loadLanes(values + last).replacing(with: -.greatestFiniteMagnitude, where: isBehind), values + last)
    let top = unsafe largest(values, count: end)
    unsafe mapRow(values, into: values, count: end) { value, _ in exponential(value - top) }
    // Zero before they are scaled: numbers too small for full precision make a processor slow.
    unsafe store(loadLanes(values + last).replacing(with: 0, where: isBehind), values + last)
    let scale = unsafe 1 / sum(values, count: end)
    unsafe mapRow(values, into: values, count: end) { value, _ in value * scale }
    return end
}

private var laneIndices: Lanes { Lanes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }

/// The gradient of ``softmaxRows(_:columns:isCausal:)`` at what it read, in place: `dx = y (dy - Σ dy y)`, row by row.
///
/// - Parameters:
///   - dy: `[rows, columns]`, overwritten by dx; zero where y is zero.
///   - y: `[rows, columns]`, the softmax.
package func softmaxGradient(_ dy: MatrixView, y: MatrixView) {
    dy.requireShape(of: y)
    for row in 0..<y.rows {
        let (gradient, weights) = unsafe (dy.row(row), UnsafePointer(y.row(row)))
        let mean = unsafe dot(gradient, weights, y.columns)
        unsafe mapRow(gradient, into: gradient, count: y.columns) { unsafe weights[$1] * ($0 - mean) }
    }
}

/// `exp(x)` for `x <= 88`, within 2e-7 relative; below -87 it stays at exp(-87), about 1.6e-38.
///
/// Argument reduction and polynomial of Cephes `expf` (Moshier 1992): x = n ln 2 + r with |r| <= ln 2 / 2. Adding
/// 1.5 * 2^23 rounds to the integer n and leaves it in the low bits, from where it becomes the exponent.
@inline(__always)
package func exponential(_ x: Float) -> Float {
    let bounded = x < -87 ? -87 : x
    let shifted = multiplyAdd(bounded, 1.442_695_04, 12_582_912)
    let n = shifted - 12_582_912
    let r = multiplyAdd(n, 2.121_944_4e-4, multiplyAdd(n, -0.693_359_375, bounded))
    var polynomial: Float = 1.987_569_15e-4
    polynomial = multiplyAdd(polynomial, r, 1.398_199_95e-3)
    polynomial = multiplyAdd(polynomial, r, 8.333_451_9e-3)
    polynomial = multiplyAdd(polynomial, r, 4.166_579_6e-2)
    polynomial = multiplyAdd(polynomial, r, 1.666_666_55e-1)
    polynomial = multiplyAdd(polynomial, r, 5.000_000_12e-1)
    let power = Float(bitPattern: (shifted.bitPattern &<< 23) &+ 0x3F80_0000)
    return (multiplyAdd(polynomial * r, r, r) + 1) * power
}

/// `a b + c`: rounded once, by one instruction, where the target has it; elsewhere that would be a call.
@inline(__always)
func multiplyAdd(_ a: Float, _ b: Float, _ c: Float) -> Float {
    #if ATTUNE_AVX2
        c.addingProduct(a, b)
    #else
        a * b + c
    #endif
}
