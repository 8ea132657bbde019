/// `y = silu(gate) x`, `silu(g) = g / (1 + exp(-g))`: the gated unit of Shazeer 2020, equation 5.
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - gate: `[rows, columns]`.
///   - y: `[rows, columns]`, overwritten; it may be x, not the gate.
public func gatedSiLU(_ x: MatrixView, gate: MatrixView, into y: MatrixView) {
    mapValues(x, gate, into: y) { $0 * ($1 * sigmoid($1)) }
}

/// The gradient of ``gatedSiLU(_:gate:into:)``: `dx = dy silu(g)` and `dg = dy x silu'(g)`, with
/// `silu'(g) = s (1 + g (1 - s))`, `s = 1 / (1 + exp(-g))`.
///
/// - Parameters:
///   - dy: `[rows, columns]`.
///   - x: `[rows, columns]`, what was let through.
///   - gate: `[rows, columns]`.
///   - dx: `[rows, columns]`, overwritten; it may be dy.
///   - dgate: `[rows, columns]`, overwritten; it may be x.
public func gatedSiLUGradient(
    _ dy: MatrixView, x: MatrixView, gate: MatrixView, into dx: MatrixView, gate dgate: MatrixView
) {
    for other in [x, gate, dx, dgate] { dy.requireShape(of: other) }
    for row in 0..<dy.rows {
        let (g, up) = unsafe (UnsafePointer(gate.row(row)), UnsafePointer(dy.row(row)))
        unsafe mapRow(x.row(row), into: dgate.row(row), count: x.columns) {
            let s = unsafe sigmoid(g[$1])
            return unsafe up[$1] * $0 * (s * (1 + g[$1] * (1 - s)))
        }
        unsafe mapRow(up, into: dx.row(row), count: x.columns) { unsafe $0 * (g[$1] * sigmoid(g[$1])) }
    }
}

/// `1 / (1 + exp(-x))`; beyond ±87 it stays what it is there.
@inline(__always)
func sigmoid(_ x: Float) -> Float {
    let bounded = x < -87 ? -87 : x
    return 1 / (1 + exponential(-bounded))
}
