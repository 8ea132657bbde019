/// Adam (Kingma and Ba 2015, algorithm 1) with epsilon 1e-5, the gradient's norm clipped, as PPO is usually run (Huang et al. 2022).
struct Adam {
    private var first: [Double]
    private var second: [Double]
    private var powers = (first: 1.0, second: 1.0)

    init(count: Int) {
        first = [Double](repeating: 0, count: count)
        second = first
    }

    /// One descending step. A gradient that is not finite changes nothing.
    mutating func step(_ values: inout [Double], gradient: [Double], rate: Double, gradientNorm: Double) {
        let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm.isFinite else { return }
        let shrink = norm > gradientNorm ? gradientNorm / norm : 1
        powers = (powers.first * 0.9, powers.second * 0.999)
        for index in values.indices {
            let slope = gradient[index] * shrink
            first[index] = 0.9 * first[index] + 0.1 * slope
            second[index] = 0.999 * second[index] + 0.001 * slope * slope
            let scale = (second[index] / (1 - powers.second)).squareRoot() + 1e-5
            values[index] -= rate * first[index] / ((1 - powers.first) * scale)
        }
    }
}
