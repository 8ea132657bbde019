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
