/// `x = gelu(x + bias)` in place, row by row, by the approximation that GPT-2 was trained with: `gelu(x) = x/2 (1 + tanh(sqrt(2/π)
/// (x + 0.044715 x³)))` (Hendrycks and Gimpel 2016, section 2), within `3e-7 max(1, |x|)` of it.
///
/// - Parameters:
///   - x: at least `rows * columns` values, `[rows, columns]`.
///   - bias: `[columns]`.
public func addBiasGELUTanh(_ x: inout [Float], bias: Span<Float>, rows: Int) {
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
                    // x/2 (1 + tanh u) = x / (1 + exp(-2u)).
                    let twice = 1.595_769_1 * (biased + 0.044_715 * biased * biased * biased)
                    unsafe values[column] = biased * sigmoid(twice)
                    column &+= 1
                }
            }
        }
    }
}

/// `x = silu(gate) x` in place, `silu(g) = g / (1 + exp(-g))`: the gated unit of Shazeer 2020, equation 5.
///
/// - Parameters:
///   - x: at least `count` values.
///   - gate: at least `count` values.
public func gateSiLU(_ x: inout [Float], gate: Span<Float>, count: Int) {
    precondition(x.count >= count && gate.count >= count, "\(count) gates over \(x.count) values")
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe gate.withUnsafeBufferPointer { gate in
            guard let x = x.baseAddress, let gate = gate.baseAddress else { return }
            var index = 0
            while index < count {
                unsafe x[index] *= gate[index] * sigmoid(gate[index])
                index &+= 1
            }
        }
    }
}

/// `1 / (1 + exp(-x))`; beyond ±87 it stays what it is there.
@inline(__always)
func sigmoid(_ x: Float) -> Float {
    let bounded = x < -87 ? -87 : x
    return 1 / (1 + exponential(-bounded))
}
