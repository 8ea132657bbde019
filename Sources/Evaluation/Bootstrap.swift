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
        let means = draws.map { draw in zip(draw, values).reduce(0) { $0 + Double($1.0) * $1.1 } / count }.sorted()
        func quantile(_ share: Double) -> Double { means[min(means.count - 1, Int(share * Double(means.count)))] }
        return Interval(mean: values.reduce(0, +) / count, low: quantile(0.025), high: quantile(0.975))
    }
}
