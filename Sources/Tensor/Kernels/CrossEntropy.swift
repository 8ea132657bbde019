import Foundation

/// What each row's target costs under the softmax of the row: `log Σ exp(x_j) - x_target`, in nats.
///
/// - Parameters:
///   - logits: `[rows, columns]`, finite.
///   - targets: `[rows]`, each at least 0 and below `columns`.
/// - Returns: `[rows]`, not negative up to rounding.
public func crossEntropies(_ logits: MatrixView, targets: some Collection<Int32>) -> [Float] {
    unsafe withElements(targets) { targets in
        unsafe losses(logits, targets) { values, top, _ in unsafe sumOfExponentials(values, top, logits.columns) }
    }
}

/// The losses of ``crossEntropies(_:targets:)``, and in place of the logits the gradient of their weighted sum:
/// `weights[row] (softmax(x)_j - [j = target])`.
///
/// - Parameters:
///   - logits: `[rows, columns]`, finite; overwritten by the gradient.
///   - targets: `[rows]`, each at least 0 and below `columns`.
///   - weights: `[rows]`: 0 where a row's loss does not count.
/// - Returns: `[rows]`, the losses, not weighted.
public func crossEntropyGradient(
    _ logits: MatrixView, targets: some Collection<Int32>, weights: some Collection<Float>
) -> [Float] {
    precondition(weights.count == logits.rows, "\(weights.count) weights for \(logits.rows) rows")
    return unsafe withElements(targets) { targets in
        unsafe withElements(weights) { weights in
            unsafe losses(logits, targets) { values, top, row in
                unsafe mapRow(values, into: values, count: logits.columns) { value, _ in exponential(value - top) }
                let total = unsafe sum(values, count: logits.columns)
                let scale = unsafe weights[row] / total
                unsafe mapRow(values, into: values, count: logits.columns) { value, _ in value * scale }
                unsafe values[Int(targets[row])] -= weights[row]
                return total
            }
        }
    }
}

/// The losses, `exponentials` giving `Σ exp(x_j - top)` of a row whose largest value is `top`.
@inline(__always)
private func losses(
    _ logits: MatrixView, _ targets: UnsafeBufferPointer<Int32>,
    _ exponentials: (UnsafeMutablePointer<Float>, Float, Int) -> Float
) -> [Float] {
    precondition(targets.count == logits.rows, "\(targets.count) targets for \(logits.rows) rows")
    return (0..<logits.rows).map { row in
        let target = unsafe Int(targets[row])
        precondition((0..<logits.columns).contains(target), "target \(target) of \(logits.columns)")
        let values = unsafe logits.row(row)
        let (top, own) = unsafe (largest(values, count: logits.columns), values[target])
        return unsafe top - own + Foundation.log(exponentials(values, top, row))
    }
}

/// `Σ exp(x_j - top)`, through a block on the stack: the values stay what they are.
private func sumOfExponentials(_ values: UnsafePointer<Float>, _ top: Float, _ count: Int) -> Float {
    let length = 512
    return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { block in
        guard let block = block.baseAddress else { return 0 }
        var total: Float = 0
        for start in stride(from: 0, to: count, by: length) {
            let count = min(length, count - start)
            unsafe mapRow(values + start, into: block, count: count) { value, _ in exponential(value - top) }
            unsafe total += sum(block, count: count)
        }
        return total
    }
}
