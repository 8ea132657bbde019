import Foundation
import Gate
import Tensor
import Testing

@Suite struct PolicyGradientTests {
    private let mask = [true, false, true, true]
    private let logits = [0.3, -1.2, 2.1, 0]

    /// The slope of a function of four logits, by each.
    private func slopes(_ body: (BernoulliGroups) -> Double) -> [Double] {
        logits.indices.map { index in
            var (up, down) = (logits, logits)
            up[index] += 1e-5
            down[index] -= 1e-5
            return (body(BernoulliGroups(logits: up)) - body(BernoulliGroups(logits: down))) / 2e-5
        }
    }

    private func expectEqual(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-8) {
        #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < tolerance }, "\(a), \(b)")
    }

    @Test("the gradient of log pi is m - p, the entropy's a difference, and chances sum to one")
    func logProbability() {
        let groups = BernoulliGroups(logits: logits)
        expectEqual(slopes { $0.logProbability(of: mask) }, groups.logProbabilityGradient(of: mask))
        expectEqual(
            groups.logProbabilityGradient(of: mask), zip(mask, groups.probabilities).map { ($0 ? 1 : 0) - $1 })
        expectEqual(slopes(\.entropy), groups.entropyGradient)
        let all = (0..<16).map { bits in (0..<4).map { bits >> $0 & 1 == 1 } }
        let chances = all.map { exp(groups.logProbability(of: $0)) }
        #expect(abs(chances.reduce(0, +) - 1) < 1e-12)
        #expect(abs(chances.reduce(0) { $0 - $1 * log($1) } - groups.entropy) < 1e-12)
    }

    @Test("a draw is the policy's unless nothing was drawn: then the likeliest group is kept, which does not count")
    func draws() {
        var random = RandomSource(seed: 4)
        let groups = BernoulliGroups(logits: [-1, -0.5, -3])
        var counts = [0, 0, 0]
        var forced = 0
        for _ in 0..<20_000 {
            let draw = groups.draw(&random)
            #expect(draw.mask.contains(true))
            guard draw.isSampled else {
                #expect(draw.mask == [false, true, false])
                forced += 1
                continue
            }
            for index in 0..<3 where draw.mask[index] { counts[index] += 1 }
        }
        let none = groups.probabilities.reduce(1) { $0 * (1 - $1) }
        #expect(abs(Double(forced) / 20_000 - none) < 0.015)
        for (count, chance) in zip(counts, groups.probabilities) {
            #expect(abs(Double(count) / 20_000 - chance) < 0.015)
        }
    }

    @Test("advantages leave the draw itself out, and are normalised over the batch unless all are alike")
    func advantages() {
        expectEqual(Advantages.leaveOneOut([1, 2, 6]), [1 - 4, 2 - 3.5, 6 - 1.5])
        #expect(Advantages.leaveOneOut([3]).isEmpty)
        expectEqual(Advantages.normalized([1, 3]), [-1, 1], 1e-7)
        #expect(Advantages.normalized([2, 2]) == [2, 2])
        #expect(Advantages.normalized([]).isEmpty)
    }

    @Test(
        "the surrogate's gradient is a difference, and zero exactly where the clip is active",
        arguments: [false, true])
    func surrogate(clipsEachGroup: Bool) {
        var surrogate = ClippedSurrogate()
        surrogate.clipsEachGroup = clipsEachGroup
        let new = BernoulliGroups(logits: logits)
        var random = RandomSource(seed: 2)
        var (clipped, open) = (0, 0)
        for _ in 0..<200 {
            let old = BernoulliGroups(logits: logits.map { $0 + 0.3 * random.normal() })
            let advantage = random.normal()
            let value = surrogate.evaluate(mask, new: new, old: old, advantage: advantage)
            expectEqual(
                slopes { surrogate.evaluate(mask, new: $0, old: old, advantage: advantage).loss }, value.gradient, 1e-6)
            let ratio = exp(new.logProbability(of: mask) - old.logProbability(of: mask))
            #expect(abs(value.divergence - (ratio - 1 - log(ratio))) < 1e-12)
            guard !clipsEachGroup else { continue }
            let isActive = advantage > 0 ? ratio > 1.2 : ratio < 0.8
            #expect((value.clippedShare == 1) == isActive)
            if isActive {
                clipped += 1
                #expect(value.gradient == [0, 0, 0, 0])
            } else {
                open += 1
                expectEqual(value.gradient, new.logProbabilityGradient(of: mask).map { -ratio * advantage * $0 })
            }
        }
        if !clipsEachGroup { #expect(clipped > 20 && open > 20) }
    }

    @Test("before a step nothing is clipped, the ratio is one and the gradient the plain policy gradient")
    func firstStep() {
        let groups = BernoulliGroups(logits: logits)
        for clipsEachGroup in [false, true] {
            var surrogate = ClippedSurrogate()
            surrogate.clipsEachGroup = clipsEachGroup
            let value = surrogate.evaluate(mask, new: groups, old: groups, advantage: 1.5)
            #expect(value.clippedShare == 0 && abs(value.divergence) < 1e-12)
            expectEqual(value.gradient, groups.logProbabilityGradient(of: mask).map { -1.5 * $0 })
        }
    }
}
