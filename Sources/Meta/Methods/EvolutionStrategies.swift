import Foundation
package import Tensor

/// Estimates of gradients from losses alone, for rules whose first-order gradient is biased or that cannot be differentiated.
package enum EvolutionStrategies {
    /// What a loss that is not finite counts as.
    package static let lossCap = 20.0

    /// Antithetic evolution strategies (Salimans et al. 2017): `mean_e e (J(θ + e) - J(θ - e)) / (2 σ²)`, `e ~ N(0, σ² I)`.
    ///
    /// - Parameters:
    ///   - sigma: of the perturbations.
    ///   - pairs: evaluated; two losses each.
    ///   - objective: the same data and draws for every call.
    package static func gradient(
        at parameters: [Float], sigma: Float, pairs: Int, random: inout RandomSource,
        objective: ([Float]) -> Double
    ) -> [Float] {
        var gradient = [Float](repeating: 0, count: parameters.count)
        for _ in 0..<pairs {
            let move = parameters.map { _ in sigma * Float(random.normal()) }
            let above = capped(objective(zip(parameters, move).map { $0 + $1 }))
            let below = capped(objective(zip(parameters, move).map { $0 - $1 }))
            let slope = Float((above - below) / Double(2 * sigma * sigma * Float(pairs)))
            for index in gradient.indices { gradient[index] += slope * move[index] }
        }
        return gradient
    }

    static func capped(_ loss: Double) -> Double { loss.isFinite ? loss : lossCap }
}

/// Persistent evolution strategies (Vicol et al. 2021): an unbiased gradient of a long inner problem out of short windows.
///
/// Each pair keeps two inner states across windows and the sum of all perturbations they have seen since the inner problem
/// began; what a window's losses say is credited to that sum. Without it (`accumulates` false) this is truncated evolution
/// strategies, which believes that only the current window's perturbation led to where it is.
package struct PersistentEvolution: Sendable {
    private let sigma: Double
    private let accumulates: Bool
    private let initial: [Double]
    private var above: [[Double]]
    private var below: [[Double]]
    private var sums: [[Double]]

    /// - Parameters:
    ///   - parameters: how many.
    ///   - pairs: of inner states.
    ///   - initial: where an inner problem begins.
    package init(parameters: Int, pairs: Int, sigma: Double, initial: [Double], accumulates: Bool = true) {
        (self.sigma, self.accumulates, self.initial) = (sigma, accumulates, initial)
        above = Array(repeating: initial, count: pairs)
        below = above
        sums = Array(repeating: [Double](repeating: 0, count: parameters), count: pairs)
    }

    /// Runs one window of every pair and gives the window's share of the gradient.
    ///
    /// - Parameters:
    ///   - isLast: whether the inner problem ends with it; the next begins anew.
    ///   - window: unrolls a window with some parameters from an inner state, which it moves, and gives the sum of its losses.
    package mutating func estimate(
        at parameters: [Double], isLast: Bool, random: inout RandomSource,
        window: (_ parameters: [Double], _ state: inout [Double]) -> Double
    ) -> [Double] {
        var gradient = [Double](repeating: 0, count: parameters.count)
        for pair in sums.indices {
            let move = parameters.map { _ in sigma * random.normal() }
            for index in move.indices { sums[pair][index] = (accumulates ? sums[pair][index] : 0) + move[index] }
            let high = EvolutionStrategies.capped(window(zip(parameters, move).map { $0 + $1 }, &above[pair]))
            let low = EvolutionStrategies.capped(window(zip(parameters, move).map { $0 - $1 }, &below[pair]))
            let slope = (high - low) / (2 * sigma * sigma * Double(sums.count))
            for index in gradient.indices { gradient[index] += slope * sums[pair][index] }
            guard isLast else { continue }
            (above[pair], below[pair]) = (initial, initial)
            for index in sums[pair].indices { sums[pair][index] = 0 }
        }
        return gradient
    }
}
