import Foundation

/// AdamW without decay over the meta-parameters (Loshchilov and Hutter 2019, algorithm 2), the gradient's norm clipped.
struct AdamW {
    private var first: [Float]
    private var second: [Float]
    private var steps = 0

    init(count: Int) {
        first = [Float](repeating: 0, count: count)
        second = first
    }

    /// One step; betas 0.9 and 0.999, epsilon 1e-8. A gradient that is not finite changes nothing.
    mutating func step(_ parameters: inout MetaParameters, gradient: MetaParameters, settings: OuterSettings) {
        let norm = Float(gradient.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
        guard norm.isFinite else { return }
        steps += 1
        let shrink = norm > settings.gradientNorm ? settings.gradientNorm / norm : 1
        let firstCorrection = 1 - Foundation.pow(0.9, Float(steps))
        let secondCorrection = 1 - Foundation.pow(0.999, Float(steps))
        for index in parameters.values.indices {
            let slope = gradient.values[index] * shrink
            first[index] = 0.9 * first[index] + 0.1 * slope
            second[index] = 0.999 * second[index] + 0.001 * slope * slope
            let rate = parameters.isScalar(index) ? settings.scalarRate : settings.tensorRate
            let scale = (second[index] / secondCorrection).squareRoot() + 1e-8
            parameters.values[index] -= rate * first[index] / (firstCorrection * scale)
        }
    }
}
