/// Softmax of each row in place: `exp(x_j - max) / sum_k exp(x_k - max)`.
///
/// - Parameter x: at least `rows * columns` values, `[rows, columns]`, finite.
public func softmaxRows(_ x: inout [Float], rows: Int, columns: Int) {
    precondition(x.count >= rows * columns, "softmax [\(rows), \(columns)] over \(x.count) values")
    guard columns > 0 else { return }
    unsafe x.withUnsafeMutableBufferPointer { x in
        guard let start = x.baseAddress else { return }
        for row in 0..<rows { unsafe softmax(start + row * columns, count: columns) }
    }
}

/// Softmax of `count >= 1` values in place.
@inline(__always)
func softmax(_ values: UnsafeMutablePointer<Float>, count: Int) {
    let top = unsafe largest(values, count: count)
    // A loop without branches or calls: the compiler vectorises it.
    var index = 0
    while index < count {
        unsafe values[index] = exponential(values[index] - top)
        index &+= 1
    }
    let scale = unsafe 1 / sum(values, count: count)
    index = 0
    while index < count {
        unsafe values[index] *= scale
        index &+= 1
    }
}

/// `exp(x)` for `x <= 88`, within 2e-7 relative; below -87 it stays at exp(-87), about 1.6e-38.
///
/// Argument reduction and polynomial of Cephes `expf` (Moshier 1992): x = n ln 2 + r with |r| <= ln 2 / 2. Adding
/// 1.5 * 2^23 rounds to the integer n and leaves it in the low bits, from where it becomes the exponent.
@inline(__always)
package func exponential(_ x: Float) -> Float {
    let bounded = x < -87 ? -87 : x
    let shifted = bounded * 1.442_695_04 + 12_582_912
    let n = shifted - 12_582_912
    let r = bounded - n * 0.693_359_375 + n * 2.121_944_4e-4
    var polynomial: Float = 1.987_569_15e-4
    polynomial = polynomial * r + 1.398_199_95e-3
    polynomial = polynomial * r + 8.333_451_9e-3
    polynomial = polynomial * r + 4.166_579_6e-2
    polynomial = polynomial * r + 1.666_666_55e-1
    polynomial = polynomial * r + 5.000_000_12e-1
    let power = Float(bitPattern: (shifted.bitPattern &<< 23) &+ 0x3F80_0000)
    return (polynomial * r * r + r + 1) * power
}
