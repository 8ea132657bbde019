/// `x = max(x, 0)` in place: what lies between a bottleneck's two layers (Houlsby et al. 2019, figure 2). NaN stays NaN.
///
/// - Parameter x: `[rows, columns]`.
public func rectify(_ x: MatrixView) { mapValues(x, into: x) { $0 < 0 ? 0 : $0 } }

/// The gradient of ``rectify(_:)`` in place: `dy = dy [y > 0]`; at 0 it is 0.
///
/// - Parameters:
///   - dy: `[rows, columns]`, overwritten by the gradient of what was rectified.
///   - y: `[rows, columns]`, what ``rectify(_:)`` left.
public func rectifierGradient(_ dy: MatrixView, y: MatrixView) { mapValues(dy, y, into: dy) { $1 > 0 ? $0 : 0 } }
