import Foundation
import Meta
import Tensor
import Testing

@Suite struct EvolutionStrategiesTests {
    /// ALGORITHMS 1.5: x <- x (1 - e^theta) and the loss x²/2, summed over 20 steps in windows of 5; the true derivative is -1.8044.
    private func estimate(accumulates: Bool, pairs: Int, seed: UInt64) -> Double {
        var random = RandomSource(seed: seed)
        var strategy = PersistentEvolution(
            parameters: 1, pairs: pairs, sigma: 0.02, initial: [1], accumulates: accumulates)
        return (0..<4).reduce(0.0) { sum, number in
            sum
                + strategy.estimate(at: [-2], isLast: number == 3, random: &random) { parameters, state in
                    let keep = 1 - exp(parameters[0])
                    return (0..<5).reduce(0.0) { loss, _ in
                        state[0] *= keep
                        return loss + 0.5 * state[0] * state[0]
                    }
                }[0]
        }
    }

    @Test("persistent evolution strategies find the derivative that truncated ones miss by a third")
    func persistent() {
        let persistent = estimate(accumulates: true, pairs: 40_000, seed: 51)
        // The spread of one pair's estimate is some 2.6, so that of 40,000 is .013.
        #expect(abs(persistent - -1.8044) < 0.05, "\(persistent)")
        let truncated = estimate(accumulates: false, pairs: 40_000, seed: 51)
        #expect(abs(truncated - -1.1454) < 0.05, "\(truncated)")
        #expect(estimate(accumulates: true, pairs: 100, seed: 52) == estimate(accumulates: true, pairs: 100, seed: 52))
    }

    @Test("an inner problem that ended begins anew")
    func restarts() {
        var random = RandomSource(seed: 53)
        var strategy = PersistentEvolution(parameters: 1, pairs: 2, sigma: 0.1, initial: [3])
        var begins: [Double] = []
        for isLast in [false, true, false] {
            _ = strategy.estimate(at: [0], isLast: isLast, random: &random) { _, state in
                begins.append(state[0])
                state[0] = 7
                return 0
            }
        }
        #expect(begins == [3, 3, 3, 3, 7, 7, 7, 7, 3, 3, 3, 3])
    }

    @Test("antithetic evolution strategies are unbiased on a linear loss, seeded, and cap what is not finite")
    func antithetic() {
        func gradient(_ objective: ([Float]) -> Double) -> [Float] {
            var random = RandomSource(seed: 54)
            return EvolutionStrategies.gradient(
                at: [1, 2], sigma: 0.01, pairs: 4000, random: &random, objective: objective)
        }
        // Of a linear loss the estimate is e eᵀ g / σ², whose mean is g.
        let linear = gradient { Double(3 * $0[0] - $0[1]) }
        #expect(abs(linear[0] - 3) < 0.25 && abs(linear[1] + 1) < 0.25)
        let constant = gradient { _ in 5 }
        let broken = gradient { _ in .nan }
        #expect(constant == [0, 0] && broken == [0, 0])
        var random = RandomSource(seed: 55)
        let mixed = EvolutionStrategies.gradient(at: [0], sigma: 1, pairs: 50, random: &random) {
            $0[0] > 0 ? .infinity : 0
        }
        #expect(mixed[0].isFinite && mixed[0] > 0)
    }
}
