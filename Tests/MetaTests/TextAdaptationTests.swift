import Adapters
import Foundation
import Meta
import Model
import Tensor
import Testing

@Suite struct TextWindowsTests {
    @Test(
        "training windows of every small length predict each token but the first once, from the token before it at least"
    )
    func training() {
        for (count, length) in (0..<23).flatMap({ count in (2..<9).map { (count, $0) } }) {
            let tokens = (0..<Int32(count)).map(\.self)
            for first in 2...length {
                let windows = TextWindows.training(tokens, length: length, first: first)
                #expect(
                    windows.flatMap { $0.dropFirst() } == Array(tokens.dropFirst()), "\(count), \(length), \(first)")
                #expect(windows.allSatisfy { (2...length).contains($0.count) })
                #expect(windows.first.map { $0.count == min(first, count) } ?? (count < 2))
            }
        }
    }

    @Test(
        "scoring windows of every small length score each token but the first once, given half a window or all there is"
    )
    func scoring() {
        for (count, length) in (0..<40).flatMap({ count in (2..<11).map { (count, $0) } }) {
            let windows = TextWindows.scoring(count: count, length: length)
            #expect(windows.flatMap(\.scored) == Array(1..<max(count, 1)), "\(count), \(length)")
            for window in windows {
                #expect(window.tokens.count <= length && !window.scored.isEmpty)
                #expect(window.tokens.upperBound == window.scored.upperBound)
                let context = window.scored.lowerBound - window.tokens.lowerBound
                #expect(context >= min(length / 2, window.scored.lowerBound))
            }
        }
    }
}

@Suite struct TextAdaptationTests {
    static let decoders = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelTests/Fixtures")

    /// Texts of an author who knows eight tokens and prefers some pairs.
    static func tokens(_ count: Int, author: UInt64, seed: UInt64) -> [Int32] {
        var (words, order) = (RandomSource(seed: author), RandomSource(seed: seed))
        let known = (0..<8).map { _ in Int32(3 + words.index(below: 400)) }
        var last = 0
        return (0..<count).map { _ in
            last = order.uniform() < 0.8 ? (last + 3) % 8 : order.index(below: 8)
            return known[last]
        }
    }

    static let settings: TextAdaptationSettings = {
        var settings = TextAdaptationSettings()
        (settings.rank, settings.windowTokens, settings.learningRate, settings.keptShare) = (4, 24, 0.02, 1)
        settings.windowsPerStep = 4
        return settings
    }()

    private func mean(_ losses: [Float]) -> Float { losses.reduce(0, +) / Float(losses.count) }

    @Test(
        "an author's adapter makes the author's later text cheaper, and another author's by far less",
        arguments: ["tiny-gpt2", "tiny-llama"])
    func adapts(model: String) throws {
        let language = try LanguageModel(BaseFolder.open(Self.decoders.appending(path: model).path))
        var adaptation = TextAdaptation(language.transformer, Self.settings)
        let own = Self.tokens(600, author: 1, seed: 1)
        let (parameters, losses) = adaptation.adapt(to: own, seed: 7)
        #expect(losses.count == Self.settings.epochs * ((600 / 23 + Self.settings.windowsPerStep) / 4))
        let later = Self.tokens(200, author: 1, seed: 2)
        let other = Self.tokens(200, author: 2, seed: 2)
        let base = adaptation.losses(of: later, under: nil)
        #expect(base.count == 199)
        let gain = mean(base) - mean(adaptation.losses(of: later, under: parameters))
        let othersGain =
            mean(adaptation.losses(of: other, under: nil)) - mean(adaptation.losses(of: other, under: parameters))
        #expect(gain > 1 && gain > othersGain + 1)
        // The first window is what the base itself scores.
        let first = try language.losses(of: Array(later.prefix(language.maximumTokens)))
        for (mine, exact) in zip(base, first) { #expect(abs(mine - exact) < 1e-4) }
    }

    @Test("the same seed gives the same adapter, another seed another; half the change is half of B")
    func seeds() throws {
        let transformer = try Transformer(BaseFolder.open(Self.decoders.appending(path: "tiny-gpt2").path))
        var adaptation = TextAdaptation(transformer, Self.settings)
        let own = Self.tokens(100, author: 1, seed: 1)
        let first = adaptation.adapt(to: own, seed: 7).parameters
        #expect(adaptation.adapt(to: own, seed: 7).parameters == first)
        #expect(adaptation.adapt(to: own, seed: 8).parameters != first)
        var half = Self.settings
        half.keptShare = 0.5
        var halved = TextAdaptation(transformer, half)
        let kept = halved.adapt(to: own, seed: 7).parameters
        let slot = try #require(half.plan(transformer.configuration).slots.first)
        let (a, b) = (0..<slot.offsets[1], slot.offsets[1]..<slot.offsets[1] + slot.parameters[1].count)
        #expect(kept[a] == first[a])
        #expect(Array(kept[b]) == first[b].map { $0 / 2 })
    }

    @Test("a text of one token leaves what the base says")
    func tooShort() throws {
        let transformer = try Transformer(BaseFolder.open(Self.decoders.appending(path: "tiny-gpt2").path))
        var adaptation = TextAdaptation(transformer, Self.settings)
        let (parameters, losses) = adaptation.adapt(to: [5], seed: 1)
        let text = Self.tokens(30, author: 3, seed: 3)
        #expect(losses.isEmpty)
        #expect(adaptation.losses(of: text, under: parameters) == adaptation.losses(of: text, under: nil))
        #expect(adaptation.losses(of: [5], under: parameters).isEmpty)
    }
}
