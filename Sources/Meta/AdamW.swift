import Foundation

/// AdamW without decay over meta-parameters (Loshchilov and Hutter 2019, algorithm 2), the gradient's norm clipped.
package struct AdamW: Sendable, Equatable {
    /// Running mean of the gradient, one a parameter.
    package private(set) var first: [Float]
    /// Running mean of its square.
    package private(set) var second: [Float]
    /// Steps taken.
    package private(set) var steps = 0

    init(count: Int) {
        first = [Float](repeating: 0, count: count)
        second = first
    }

    /// Goes on from what another had after some steps.
    package init(first: [Float], second: [Float], steps: Int) {
        precondition(first.count == second.count && steps >= 0, "moments of one size, and steps that were taken")
        (self.first, self.second, self.steps) = (first, second, steps)
    }

    /// One step; betas 0.9 and 0.999, epsilon 1e-8. A gradient that is not finite changes nothing.
    ///
    /// - Parameters:
    ///   - gradientNorm: what the gradient is shortened to where it is longer.
    ///   - rate: of each parameter.
    mutating func step(_ values: inout [Float], gradient: [Float], gradientNorm: Float, rate: (Int) -> Float) {
        let norm = Float(gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
        guard norm.isFinite else { return }
        steps += 1
        let shrink = norm > gradientNorm ? gradientNorm / norm : 1
        let firstCorrection = 1 - Foundation.pow(0.9, Float(steps))
        let secondCorrection = 1 - Foundation.pow(0.999, Float(steps))
        for index in values.indices {
            let slope = gradient[index] * shrink
            first[index] = 0.9 * first[index] + 0.1 * slope
            second[index] = 0.999 * second[index] + 0.001 * slope * slope
            let scale = (second[index] / secondCorrection).squareRoot() + 1e-8
            values[index] -= rate(index) * first[index] / (firstCorrection * scale)
        }
    }
}
