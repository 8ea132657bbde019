import Foundation
import Model
import Tensor
import Testing

@Suite struct SamplingTests {
    /// Probabilities .5, .3, .15, .05 in another order.
    private static let logits: [Float] = [0.15, 0.5, 0.05, 0.3].map { Float(log($0)) + 2 }

    private func settings(_ temperature: Float, _ topP: Float) -> SamplingSettings {
        var settings = SamplingSettings()
        (settings.temperature, settings.topP) = (temperature, topP)
        return settings
    }

    private func expect(_ tokens: [TokenProbability], _ exact: [(Int32, Double)]) {
        #expect(tokens.map(\.token) == exact.map(\.0))
        for (mine, exact) in zip(tokens, exact) { #expect(abs(mine.probability - exact.1) < 1e-6) }
    }

    @Test("temperature 1 draws from the model, 2 from the roots of its probabilities, 0 the best token")
    func temperature() {
        expect(nextTokens(Self.logits, settings(1, 1)), [(1, 0.5), (3, 0.3), (0, 0.15), (2, 0.05)])
        let roots = [0.5, 0.3, 0.15, 0.05].map { $0.squareRoot() }
        let total = roots.reduce(0, +)
        expect(nextTokens(Self.logits, settings(2, 1)), Array(zip([1, 3, 0, 2], roots.map { $0 / total })))
        expect(nextTokens(Self.logits, .greedy), [(1, 1)])
    }

    @Test("the nucleus is the fewest best tokens that have the probability together, and at least one")
    func nucleus() {
        expect(nextTokens(Self.logits, settings(1, 0.9)), [(1, 0.5 / 0.95), (3, 0.3 / 0.95), (0, 0.15 / 0.95)])
        expect(nextTokens(Self.logits, settings(1, 0.6)), [(1, 0.625), (3, 0.375)])
        expect(nextTokens(Self.logits, settings(1, 0.4)), [(1, 1)])
        expect(nextTokens(Self.logits, settings(1, 1e-6)), [(1, 1)])
    }

    @Test("of equal scores the smaller token comes first")
    func ties() {
        expect(nextTokens([1, 3, 3, 1], .greedy), [(1, 1)])
        #expect(nextTokens([1, 3, 3, 1], settings(1, 1)).map(\.token) == [1, 2, 0, 3])
    }

    @Test("draws come as often as they are probable, and the same seed draws the same")
    func drawing() {
        let tokens = nextTokens(Self.logits, settings(1, 0.9))
        func draws(_ seed: UInt64) -> [Int32] {
            var random = RandomSource(seed: seed)
            return (0..<20_000).map { _ in draw(tokens, &random) }
        }
        let drawn = draws(1)
        for token in tokens {
            let share = Double(drawn.count { $0 == token.token }) / 20_000
            // Four standard deviations of a share of 20,000 draws are at most .0142.
            #expect(abs(share - token.probability) < 0.015, "token \(token.token): \(share)")
        }
        #expect(!drawn.contains(2) && draws(1) == drawn && draws(2) != drawn)
    }
}
