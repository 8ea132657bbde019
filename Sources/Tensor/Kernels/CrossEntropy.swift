import Foundation

/// What each row's target costs under the softmax of the row: `log Σ exp(x_j) - x_target`, in nats.
///
/// - Parameters:
///   - logits: at least `targets.count * columns` values, `[rows, columns]`, finite.
///   - targets: one a row, below `columns`.
/// - Returns: `[rows]`, not negative up to rounding.
public func crossEntropies(_ logits: Span<Float>, targets: some Collection<Int32>, columns: Int) -> [Float] {
    precondition(logits.count >= targets.count * columns, "\(targets.count) rows of \(columns)")
    return unsafe logits.withUnsafeBufferPointer { logits in
        guard let start = logits.baseAddress else { return [] }
        return targets.enumerated().map { row, target in
            precondition((0..<columns).contains(Int(target)), "target \(target) of \(columns)")
            let values = unsafe start + row * columns
            let top = unsafe largest(values, count: columns)
            var lanes = Lanes.zero
            var index = 0
            while index &+ 8 <= columns {
                let next = unsafe loadLanes(values + index)
                for lane in 0..<8 { lanes[lane] += exponential(next[lane] - top) }
                index &+= 8
            }
            var total = lanes.sum()
            while index < columns {
                unsafe total += exponential(values[index] - top)
                index &+= 1
            }
            return unsafe top + Foundation.log(total) - values[Int(target)]
        }
    }
}
