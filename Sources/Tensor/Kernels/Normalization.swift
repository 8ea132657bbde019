/// `y = layerNorm(x)`, row by row, into another buffer: what comes before a layer where the residual is not normalised
/// (Ba, Kiros, Hinton 2016, equation 4; the variance is the biased one).
///
/// - Parameters:
///   - x: at least `rows * columns` values, `[rows, columns]`.
///   - gain: `[columns]`; with `shift` the affine map after normalisation.
///   - shift: `[columns]`.
///   - epsilon: added to the variance.
///   - y: at least `rows * columns` values, overwritten.
public func layerNorm(
    _ x: Span<Float>, gain: Span<Float>, shift: Span<Float>, epsilon: Float, rows: Int, into y: inout [Float]
) {
    precondition(shift.count == gain.count, "\(shift.count) shifts, \(gain.count) gains")
    unsafe forEachRow(x, gain, rows, into: &y) { x, y, count in
        unsafe shift.withUnsafeBufferPointer { shift in
            unsafe gain.withUnsafeBufferPointer { gain in
                guard let gain = gain.baseAddress, let shift = shift.baseAddress else { return }
                unsafe y.update(from: x, count: count)
                unsafe normalizeRow(y, gain, shift, epsilon: epsilon, count: count)
            }
        }
    }
}

/// `y = x / sqrt(mean(x²) + epsilon) gain`, row by row, into another buffer (Zhang and Sennrich 2019, equation 4).
///
/// - Parameters:
///   - x: at least `rows * columns` values, `[rows, columns]`.
///   - gain: `[columns]`.
///   - epsilon: added to the mean of the squares.
///   - y: at least `rows * columns` values, overwritten.
public func rmsNorm(_ x: Span<Float>, gain: Span<Float>, epsilon: Float, rows: Int, into y: inout [Float]) {
    unsafe forEachRow(x, gain, rows, into: &y) { x, y, count in
        unsafe gain.withUnsafeBufferPointer { gain in
            guard let gain = gain.baseAddress else { return }
            let squares = unsafe squaredDistance(x, from: 0, count: count) / Float(count)
            let scale = 1 / (squares + epsilon).squareRoot()
            var index = 0
            while index < count {
                unsafe y[index] = x[index] * scale * gain[index]
                index &+= 1
            }
        }
    }
}

@inline(__always)
private func forEachRow(
    _ x: Span<Float>, _ gain: Span<Float>, _ rows: Int, into y: inout [Float],
    _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
) {
    let columns = gain.count
    precondition(x.count >= rows * columns && y.count >= rows * columns, "norm [\(rows), \(columns)] of \(x.count)")
    unsafe x.withUnsafeBufferPointer { x in
        unsafe y.withUnsafeMutableBufferPointer { y in
            guard let x = x.baseAddress, let y = y.baseAddress else { return }
            for row in 0..<rows { unsafe body(x + row * columns, y + row * columns, columns) }
        }
    }
}

/// `x += update + bias`, row by row: a residual connection.
///
/// - Parameters:
///   - x: at least `rows * columns` values, `[rows, columns]`.
///   - update: at least `rows * columns` values.
///   - bias: `[columns]`.
public func addRows(_ x: inout [Float], update: Span<Float>, bias: Span<Float>, rows: Int) {
    let columns = bias.count
    precondition(x.count >= rows * columns && update.count >= rows * columns, "add [\(rows), \(columns)]")
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe update.withUnsafeBufferPointer { update in
            unsafe bias.withUnsafeBufferPointer { bias in
                guard let x = x.baseAddress, let update = update.baseAddress, let bias = bias.baseAddress else {
                    return
                }
                for row in 0..<rows { unsafe addRow(x + row * columns, update + row * columns, bias, count: columns) }
            }
        }
    }
}
