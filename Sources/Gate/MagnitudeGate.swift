/// Keeps the rows of largest magnitude, ties to the lowest row: the baseline that a learned gate must beat at equal bytes.
public struct MagnitudeGate: RowGate {
    /// Makes the gate; it has no parameters.
    public init() {}

    /// `magnitude`.
    public var name: String { "magnitude" }

    /// The `rowBudget` rows with the largest `|delta|`; every row when the budget allows it.
    public func mask(for input: GateInput) -> RowMask {
        let width = input.delta.count
        guard input.rowBudget < width else { return .all(width: width) }
        guard input.rowBudget > 0 else { return RowMask(width: width, rows: []) }
        let magnitudes = input.delta.map(abs)
        let threshold = Self.largest(input.rowBudget, of: magnitudes)
        var ties = input.rowBudget - magnitudes.count { $0 > threshold }
        let rows = magnitudes.indices.filter { row in
            if magnitudes[row] > threshold { return true }
            guard magnitudes[row] == threshold, ties > 0 else { return false }
            ties -= 1
            return true
        }
        return RowMask(width: width, rows: rows)
    }

    /// The `rank`-th largest value (1 is the largest) by quickselect (Hoare 1961), linear in the mean.
    static func largest(_ rank: Int, of values: [Float]) -> Float {
        var values = values
        var low = 0
        var high = values.count - 1
        let target = rank - 1
        while low < high {
            let pivot = values[(low + high) / 2]
            var left = low
            var right = high
            while left <= right {
                while values[left] > pivot { left += 1 }
                while values[right] < pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if target <= right {
                high = right
            } else if target >= left {
                low = left
            } else {
                return values[target]
            }
        }
        return values[target]
    }
}
