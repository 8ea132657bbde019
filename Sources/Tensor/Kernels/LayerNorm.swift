/// `x = layerNorm(x + update + bias)` in place, row by row: the residual connection and the normalisation after it
/// (Ba, Kiros, Hinton 2016, equation 4; the variance is the biased one).
///
/// - Parameters:
///   - x: at least `rows * columns` values, `[rows, columns]`; the residual on entry, the result on return.
///   - update: at least `rows * columns` values, `[rows, columns]`.
///   - bias: `[columns]`, added to every row.
///   - gain: `[columns]`; with `shift` the affine map after normalisation.
///   - shift: `[columns]`.
///   - epsilon: added to the variance.
public func addLayerNorm(
    _ x: inout [Float], update: Span<Float>, bias: Span<Float>, gain: Span<Float>, shift: Span<Float>,
    epsilon: Float, rows: Int
) {
    let columns = bias.count
    precondition(
        x.count >= rows * columns && update.count >= rows * columns && gain.count == columns && shift.count == columns,
        "layer norm [\(rows), \(columns)] over \(x.count) values")
    guard rows > 0, columns > 0 else { return }
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe update.withUnsafeBufferPointer { update in
            unsafe bias.withUnsafeBufferPointer { bias in
                unsafe gain.withUnsafeBufferPointer { gain in
                    unsafe shift.withUnsafeBufferPointer { shift in
                        guard let x = x.baseAddress, let update = update.baseAddress, let bias = bias.baseAddress,
                            let gain = gain.baseAddress, let shift = shift.baseAddress
                        else { return }
                        for row in 0..<rows {
                            let row = row * columns
                            unsafe addRow(x + row, update + row, bias, count: columns)
                            unsafe normalizeRow(x + row, gain, shift, epsilon: epsilon, count: columns)
                        }
                    }
                }
            }
        }
    }
}

/// `x += update + bias`.
@inline(__always)
func addRow(
    _ x: UnsafeMutablePointer<Float>, _ update: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, count: Int
) {
    var index = 0
    while index < count {
        unsafe x[index] += update[index] + bias[index]
        index &+= 1
    }
}

/// `x = (x - mean) / sqrt(variance + epsilon) * gain + shift`, the variance in a second pass over the row in cache.
@inline(__always)
func normalizeRow(
    _ x: UnsafeMutablePointer<Float>, _ gain: UnsafePointer<Float>, _ shift: UnsafePointer<Float>,
    epsilon: Float, count: Int
) {
    let mean = unsafe sum(x, count: count) / Float(count)
    let variance = unsafe squaredDistance(x, from: mean, count: count) / Float(count)
    let scale = 1 / (variance + epsilon).squareRoot()
    var index = 0
    while index < count {
        unsafe x[index] = (x[index] - mean) * scale * gain[index] + shift[index]
        index &+= 1
    }
}
