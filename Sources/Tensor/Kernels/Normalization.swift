/// `y = (x - mean(x)) / sqrt(variance(x) + epsilon) gain + shift`, row by row (Ba, Kiros, Hinton 2016, equation 4; the
/// variance is the biased one, taken in a second pass over the row in cache).
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - gain: `[columns]`; with `shift` the affine map after normalisation.
///   - shift: `[columns]`.
///   - epsilon: added to the variance.
///   - y: `[rows, columns]`, overwritten; it may be x.
///   - statistics: `[rows, 2]`, overwritten: `mean` and `1 / sqrt(variance + epsilon)`, for the way back.
public func layerNorm(
    _ x: MatrixView, gain: Span<Float>, shift: Span<Float>, epsilon: Float, into y: MatrixView, statistics: MatrixView
) {
    requireNormShapes(x, y, gain, statistics)
    precondition(shift.count == x.columns, "\(shift.count) shifts for \(x.columns) columns")
    unsafe withPointer(gain) { gain in
        unsafe withPointer(shift) { shift in
            for row in 0..<x.rows {
                let values = unsafe x.row(row)
                let mean = unsafe sum(values, count: x.columns) / Float(x.columns)
                let scale = unsafe inverseDeviation(values, from: mean, epsilon: epsilon, count: x.columns)
                unsafe mapRow(values, into: y.row(row), count: x.columns) {
                    unsafe ($0 - mean) * scale * gain[$1] + shift[$1]
                }
                let kept = unsafe statistics.row(row)
                unsafe (kept[0], kept[1]) = (mean, scale)
            }
        }
    }
}

/// `y = x / sqrt(mean(x²) + epsilon) gain`, row by row (Zhang and Sennrich 2019, equation 4).
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - gain: `[columns]`.
///   - epsilon: added to the mean of the squares.
///   - y: `[rows, columns]`, overwritten; it may be x.
///   - statistics: `[rows, 2]`, overwritten: 0 and `1 / sqrt(mean(x²) + epsilon)`, for the way back.
public func rmsNorm(_ x: MatrixView, gain: Span<Float>, epsilon: Float, into y: MatrixView, statistics: MatrixView) {
    requireNormShapes(x, y, gain, statistics)
    unsafe withPointer(gain) { gain in
        for row in 0..<x.rows {
            let values = unsafe x.row(row)
            let scale = unsafe inverseDeviation(values, from: 0, epsilon: epsilon, count: x.columns)
            unsafe mapRow(values, into: y.row(row), count: x.columns) { unsafe $0 * scale * gain[$1] }
            let kept = unsafe statistics.row(row)
            unsafe (kept[0], kept[1]) = (0, scale)
        }
    }
}

/// The gradient of ``layerNorm(_:gain:shift:epsilon:into:statistics:)`` at x: with `n = (x - mean) scale`, what was
/// normalised, and `g = dy gain`, `dx = scale (g - mean(g) - n mean(g n))`, row by row.
///
/// - Parameters:
///   - dy: `[rows, columns]`.
///   - x: `[rows, columns]`, what was normalised.
///   - gain: `[columns]`.
///   - statistics: `[rows, 2]`, as the way forward left them.
///   - dx: `[rows, columns]`, overwritten, or added to when `adding`; it may be dy when not adding, and never x.
public func layerNormGradient(
    _ dy: MatrixView, x: MatrixView, gain: Span<Float>, statistics: MatrixView, into dx: MatrixView, adding: Bool
) {
    normGradient(dy, x, gain, statistics, into: dx, adding, isCentered: true)
}

/// The gradient of ``rmsNorm(_:gain:epsilon:into:statistics:)`` at x: as
/// ``layerNormGradient(_:x:gain:statistics:into:adding:)`` without `mean(g)`, since no mean was taken away.
///
/// - Parameters:
///   - dy: `[rows, columns]`.
///   - x: `[rows, columns]`, what was normalised.
///   - gain: `[columns]`.
///   - statistics: `[rows, 2]`, as the way forward left them.
///   - dx: `[rows, columns]`, overwritten, or added to when `adding`; it may be dy when not adding, and never x.
public func rmsNormGradient(
    _ dy: MatrixView, x: MatrixView, gain: Span<Float>, statistics: MatrixView, into dx: MatrixView, adding: Bool
) {
    normGradient(dy, x, gain, statistics, into: dx, adding, isCentered: false)
}

@inline(__always)
private func normGradient(
    _ dy: MatrixView, _ x: MatrixView, _ gain: Span<Float>, _ statistics: MatrixView, into dx: MatrixView,
    _ adding: Bool, isCentered: Bool
) {
    requireNormShapes(x, dx, gain, statistics)
    x.requireShape(of: dy)
    unsafe withPointer(gain) { gain in
        for row in 0..<x.rows {
            let (values, gradient, kept) = unsafe (UnsafePointer(x.row(row)), dy.row(row), statistics.row(row))
            let (mean, scale) = unsafe (kept[0], kept[1])
            // dx = scale dy gain - slope (x - mean) - offset.
            let means = Lanes(repeating: mean)
            let product = total(x.columns) {
                unsafe loadLanes(gradient + $0) * loadLanes(gain + $0) * (loadLanes(values + $0) - means)
            } _: {
                unsafe gradient[$0] * gain[$0] * (values[$0] - mean)
            }
            let slope = product * scale * scale * scale / Float(x.columns)
            let offset = unsafe isCentered ? dot(gradient, gain, x.columns) * scale / Float(x.columns) : 0
            let target = unsafe dx.row(row)
            if adding {
                unsafe mapRow(target, into: target, count: x.columns) {
                    unsafe $0 + (gradient[$1] * gain[$1] * scale - (values[$1] - mean) * slope - offset)
                }
            } else {
                unsafe mapRow(gradient, into: target, count: x.columns) {
                    unsafe $0 * gain[$1] * scale - (values[$1] - mean) * slope - offset
                }
            }
        }
    }
}

private func requireNormShapes(_ x: MatrixView, _ y: MatrixView, _ gain: Span<Float>, _ statistics: MatrixView) {
    x.requireShape(of: y)
    precondition(gain.count == x.columns, "\(gain.count) gains for \(x.columns) columns")
    precondition(
        statistics.rows == x.rows && statistics.columns == 2,
        "statistics [\(statistics.rows), \(statistics.columns)] for \(x.rows) rows")
}

/// `1 / sqrt(mean((x - mean)²) + epsilon)` of a row.
@inline(__always)
private func inverseDeviation(_ x: UnsafePointer<Float>, from mean: Float, epsilon: Float, count: Int) -> Float {
    let variance = unsafe squaredDistance(x, from: mean, count: count) / Float(count)
    return 1 / (variance + epsilon).squareRoot()
}
