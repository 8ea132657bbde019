/// `x = gelu(x + bias)` in place, row by row; `gelu(x) = x/2 (1 + erf(x / sqrt 2))`, the exact form
/// (Hendrycks and Gimpel 2016, equation 2), within 4e-7 absolute or 1e-6 relative of it.
///
/// - Parameters:
///   - x: at least `rows * columns` values, `[rows, columns]`.
///   - bias: `[columns]`.
public func addBiasGELU(_ x: inout [Float], bias: Span<Float>, rows: Int) {
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
                    let biased = unsafe values[column] + bias[column]
                    unsafe values[column] = 0.5 * biased * (1 + errorFunction(biased * 0.707_106_77))
                    column &+= 1
                }
            }
        }
    }
}

/// erf by a quotient of polynomials, within 2e-7 of it, odd, at most 1 in magnitude.
///
/// The minimax coefficients on [-4, 4] are those of Eigen (`unsupported/Eigen/src/SpecialFunctions`) and XLA's
/// `ErfImpl32`; beyond, erf is 1 to within 2e-8.
@inline(__always)
package func errorFunction(_ x: Float) -> Float {
    var z = x < -4 ? -4 : x
    z = z > 4 ? 4 : z
    let s = z * z
    var numerator: Float = -2.726_142_258_013_06e-10
    numerator = numerator * s + 2.770_681_424_959_02e-08
    numerator = numerator * s - 2.101_024_020_825_08e-06
    numerator = numerator * s - 5.692_506_394_623_46e-05
    numerator = numerator * s - 7.349_906_303_268_55e-04
    numerator = numerator * s - 2.954_599_808_540_25e-03
    numerator = numerator * s - 1.609_603_332_624_15e-02
    var denominator: Float = -1.456_607_184_649_96e-05
    denominator = denominator * s - 2.133_740_552_789_05e-04
    denominator = denominator * s - 1.682_826_974_382_03e-03
    denominator = denominator * s - 7.373_329_167_204_68e-03
    denominator = denominator * s - 1.426_473_905_141_89e-02
    return z * numerator / denominator
}
