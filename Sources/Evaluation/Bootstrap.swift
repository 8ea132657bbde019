import Tensor

/// A mean over users with the middle 95 % of its bootstrap distribution (Efron 1979, percentile interval).
public struct Interval: Sendable, Equatable, Codable {
    /// The mean itself.
    public var mean: Double
    /// The 2.5 % quantile of resampled means.
    public var low: Double
    /// The 97.5 % quantile.
    public var high: Double
}

/// Resamples users, the same draws for every method, so that differences are paired.
package struct Bootstrap {
    /// `[resamples][users]`, how often each user is drawn.
    private let draws: [[Int32]]

    package init(users: Int, resamples: Int = 2000, seed: UInt64) {
        var random = RandomSource(seed: seed)
        draws = (0..<resamples).map { _ in
            var counts = [Int32](repeating: 0, count: users)
            for _ in 0..<users { counts[random.index(below: users)] += 1 }
            return counts
        }
    }

    /// The interval of the mean of one number a user; for a difference pass differences.
    package func interval(_ values: [Double]) -> Interval {
        guard !values.isEmpty else { return Interval(mean: 0, low: 0, high: 0) }
        let count = Double(values.count)
        let means = draws.map { draw in Self.sum(values, draw) / count }
        return Self.interval(values.reduce(0, +) / count, means)
    }

    /// The interval of the ratio of two sums of one number a user each, both of the same draws.
    ///
    /// A draw whose denominator is not above zero says nothing and stands at the end that is worst: minus infinity would be
    /// no number, so that it counts as zero.
    package func ratio(_ values: [Double], to others: [Double]) -> Interval {
        func ratio(_ value: Double, _ other: Double) -> Double { other > 0 ? value / other : 0 }
        guard !values.isEmpty else { return Interval(mean: 0, low: 0, high: 0) }
        let ratios = draws.map { ratio(Self.sum(values, $0), Self.sum(others, $0)) }
        return Self.interval(ratio(values.reduce(0, +), others.reduce(0, +)), ratios)
    }

    private static func sum(_ values: [Double], _ draw: [Int32]) -> Double {
        zip(draw, values).reduce(0) { $0 + Double($1.0) * $1.1 }
    }

    private static func interval(_ center: Double, _ draws: [Double]) -> Interval {
        let sorted = draws.sorted()
        func quantile(_ share: Double) -> Double { sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))] }
        return Interval(mean: center, low: quantile(0.025), high: quantile(0.975))
    }
}
