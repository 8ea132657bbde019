/// `x = gelu(x + bias)` in place, row by row; `gelu(x) = x/2 (1 + erf(x / sqrt 2))`, the exact form
/// (Hendrycks and Gimpel 2016, equation 2), within `3e-7 max(1, |x|)` of it.
///
/// - Parameters:
///   - x: at least `rows * columns` values, `[rows, columns]`.
///   - bias: `[columns]`.
public func addBiasGELU(_ x: inout [Float], bias: Span<Float>, rows: Int) {
    addBias(&x, bias, rows) { 0.5 * $0 * (1 + errorFunction($0 * 0.707_106_77)) }
}

/// The same by the approximation that GPT-2 was trained with: `gelu(x) = x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))` (Hendrycks and
/// Gimpel 2016, section 2), within `3e-7 max(1, |x|)` of it.
public func addBiasGELUTanh(_ x: inout [Float], bias: Span<Float>, rows: Int) {
    // x/2 (1 + tanh u) = x / (1 + exp(-2u)).
    addBias(&x, bias, rows) { $0 * sigmoid(1.595_769_1 * ($0 + 0.044_715 * $0 * $0 * $0)) }
}

/// `x = activation(x + bias)` in place, row by row.
@inline(__always)
private func addBias(_ x: inout [Float], _ bias: Span<Float>, _ rows: Int, _ activation: (Float) -> Float) {
    let columns = bias.count
    precondition(x.count >= rows * columns, "gelu [\(rows), \(columns)] over \(x.count) values")
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe bias.withUnsafeBufferPointer { bias in
            guard let start = x.baseAddress, let bias = bias.baseAddress else { return }
            for row in 0..<rows {
                let values = unsafe start + row * columns
                // A loop without branches or calls: the compiler vectorises it.
                var column = 0
                while column < columns {
                    unsafe values[column] = activation(values[column] + bias[column])
                    column &+= 1
                }
            }
        }
    }
}

/// erf by a quotient of polynomials, odd, within 4e-7 of it, absolutely and relatively.
///
/// The minimax coefficients are those of Eigen and of XLA's `ErfImpl32`. From 3.7439 on, where erf is 1 to within half a
/// unit of the last place, it stays what it is there.
@inline(__always)
package func errorFunction(_ x: Float) -> Float {
    let limit: Float = 3.743_921_2
    var z = x < -limit ? -limit : x
    z = z > limit ? limit : z
    let s = z * z
    var numerator: Float = 2.290_506_6e-4
    numerator = numerator * s + 3.408_291e-3
    numerator = numerator * s + 5.095_569_5e-2
    numerator = numerator * s + 1.852_083_2e-1
    numerator = numerator * s + 1.128_379_1
    var denominator: Float = -1.179_160_3e-7
    denominator = denominator * s + 2.354_796_6e-5
    denominator = denominator * s + 1.017_962_6e-3
    denominator = denominator * s + 1.407_047_0e-2
    denominator = denominator * s + 1.109_850_5e-1
    denominator = denominator * s + 4.974_692_5e-1
    denominator = denominator * s + 1
    return z * numerator / denominator
}
