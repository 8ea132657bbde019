import Testing

/// The gradient of a function in Double at some point, by central differences.
func centralDifferences(at x: [Double], _ function: ([Double]) -> Double) -> [Double] {
    x.indices.map { index in
        var moved = x
        let step = 1e-5 * max(1, abs(x[index]))
        moved[index] = x[index] + step
        let above = function(moved)
        moved[index] = x[index] - step
        return (above - function(moved)) / (2 * step)
    }
}

/// Expects two vectors to differ by at most `tolerance` of the largest value of the second, and of `floor`.
func expectClose(
    _ values: some Collection<Float>, _ exact: [Double], within tolerance: Double, floor: Double = 1e-3,
    _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(values.count == exact.count, "\(comment)", sourceLocation: sourceLocation)
    let scale = exact.reduce(floor) { max($0, abs($1)) }
    for (index, (value, exact)) in zip(values, exact).enumerated()
    where !(abs(Double(value) - exact) <= tolerance * scale) {
        Issue.record(
            "\(comment): [\(index)] is \(value), not \(exact), of up to \(scale)", sourceLocation: sourceLocation)
        return
    }
}
