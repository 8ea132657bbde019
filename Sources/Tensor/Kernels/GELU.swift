/// Which of GELU's two forms a model was trained with.
public enum GELUForm: Sendable, Equatable {
    /// `x/2 (1 + erf(x / sqrt 2))` (Hendrycks and Gimpel 2016, equation 2).
    case exact
    /// `x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))` (Hendrycks and Gimpel 2016, section 2): GPT-2's.
    case tanh
}

/// `y = gelu(x)`, within `3e-7 max(1, |x|)` of the form's equation.
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - y: `[rows, columns]`, overwritten; it may be x.
public func gelu(_ x: MatrixView, _ form: GELUForm, into y: MatrixView) {
    switch form {
    case .exact: mapValues(x, into: y) { 0.5 * $0 * (1 + errorFunction($0 * 0.707_106_77)) }
    // x/2 (1 + tanh u) = x / (1 + exp(-2u)).
    case .tanh: mapValues(x, into: y) { $0 * sigmoid(twiceTanhArgument($0)) }
    }
}

/// `dx = dy gelu'(x)`: exactly `Φ(x) + x φ(x)`, Φ and φ the normal distribution's function and density; of the other form
/// `s + x s (1 - s) u'` with `s = 1 / (1 + exp(-u))`, `u = 2 sqrt(2/π) (x + 0.044715 x³)`.
///
/// - Parameters:
///   - dy: `[rows, columns]`.
///   - x: `[rows, columns]`, what ``gelu(_:_:into:)`` read.
///   - dx: `[rows, columns]`, overwritten; it may be dy, not x.
public func geluGradient(_ dy: MatrixView, x: MatrixView, _ form: GELUForm, into dx: MatrixView) {
    switch form {
    case .exact:
        mapValues(dy, x, into: dx) {
            let density = 0.398_942_28 * exponential(-0.5 * $1 * $1)
            return $0 * multiplyAdd($1, density, 0.5 + 0.5 * errorFunction($1 * 0.707_106_77))
        }
    case .tanh:
        mapValues(dy, x, into: dx) {
            let s = sigmoid(twiceTanhArgument($1))
            return $0 * multiplyAdd($1 * s * (1 - s), multiplyAdd($1 * $1, 0.214_064_45, 1.595_769_1), s)
        }
    }
}

/// `2 sqrt(2/π) (x + 0.044715 x³)`.
@inline(__always)
private func twiceTanhArgument(_ x: Float) -> Float { x * multiplyAdd(x * x, 0.071_354_816, 1.595_769_1) }

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
    numerator = multiplyAdd(numerator, s, 3.408_291e-3)
    numerator = multiplyAdd(numerator, s, 5.095_569_5e-2)
    numerator = multiplyAdd(numerator, s, 1.852_083_2e-1)
    numerator = multiplyAdd(numerator, s, 1.128_379_1)
    var denominator: Float = -1.179_160_3e-7
    denominator = multiplyAdd(denominator, s, 2.354_796_6e-5)
    denominator = multiplyAdd(denominator, s, 1.017_962_6e-3)
    denominator = multiplyAdd(denominator, s, 1.407_047_0e-2)
    denominator = multiplyAdd(denominator, s, 1.109_850_5e-1)
    denominator = multiplyAdd(denominator, s, 4.974_692_5e-1)
    denominator = multiplyAdd(denominator, s, 1)
    return z * numerator / denominator
}
