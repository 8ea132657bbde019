import Adapters
import Foundation
import Model
import Tensor
import Testing

/// Token by token with kept keys and values, against the whole text at once.
@Suite struct TextContinuationTests {
    static let models = ["tiny-gpt2", "tiny-llama"]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelTests/Fixtures")

    private static func base(_ model: String) throws -> BaseFolder {
        try BaseFolder.open(folder.appending(path: model).path)
    }

    private static func tokens(_ count: Int) -> [Int32] {
        var random = RandomSource(seed: 11)
        return (0..<count).map { _ in Int32(random.index(below: 500)) }
    }

    /// Adapters of random numbers at every site of every block.
    private static func adapters(_ shape: TransformerConfiguration, of places: [Site.Place]) -> AdapterBank {
        var kinds: [Site: any AdapterKind] = [:]
        for block in 0..<shape.blocks {
            for place in places where shape.has(Site(place, block: block)) {
                kinds[Site(place, block: block)] =
                    place.isProjection ? LoRA(rank: 3, alpha: 6) : Bottleneck.pfeiffer(width: 4)
            }
        }
        var (bank, random) = (AdapterBank(AdapterPlan(shape, kinds), users: 1), RandomSource(seed: 5))
        let values = (0..<bank.plan.parameterCount).map { _ in Float(0.3 * random.normal()) }
        bank.parameters.copy(values.span)
        bank.textsOfUsers = [0, 1]
        return bank
    }

    private func difference(_ values: [Float], _ exact: [Float]) -> Float {
        guard values.count == exact.count else { return .infinity }
        return zip(values, exact).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test("after a prompt and each further token the scores are those of the whole text", arguments: models)
    func equalsWholeText(model: String) throws {
        let language = try LanguageModel(Self.base(model))
        let tokens = Self.tokens(20)
        for prompt in [1, 2, 9, 20] {
            var continuation = TextContinuation(language.transformer, adapters: NoAdapters())
            let first = try continuation.read(tokens.prefix(prompt))
            #expect(difference(first, try language.logits(after: Array(tokens.prefix(prompt)))) < 1e-5)
            for end in prompt..<tokens.count {
                let scores = try continuation.read([tokens[end]])
                #expect(difference(scores, try language.logits(after: Array(tokens[...end]))) < 1e-5, "token \(end)")
            }
            #expect(continuation.context == tokens)
        }
    }

    @Test("the same with adapters at every site of every block, which change the scores", arguments: models)
    func equalsWholeTextAdapted(model: String) throws {
        let language = try LanguageModel(Self.base(model))
        let tokens = Self.tokens(18)
        let plain = try language.logits(after: tokens)
        let bank = Self.adapters(language.configuration, of: Site.Place.allCases)
        #expect(bank.plan.slots.count >= 18)
        var continuation = TextContinuation(language.transformer, adapters: bank)
        _ = try continuation.read(tokens.prefix(7))
        for end in 7..<tokens.count {
            let scores = try continuation.read([tokens[end]])
            var whole = TextContinuation(language.transformer, adapters: bank)
            #expect(difference(scores, try whole.read(tokens[...end])) < 1e-5, "token \(end)")
            if end == tokens.count - 1 { #expect(difference(scores, plain) > 1e-2) }
        }
        // Adapters that change nothing leave the whole text's scores.
        bank.parameters.fill(0)
        var neutral = TextContinuation(language.transformer, adapters: bank)
        #expect(difference(try neutral.read(tokens), plain) < 1e-5)
    }

    @Test("over its capacity a context keeps its newest half and scores as a text that begins there", arguments: models)
    func slides(model: String) throws {
        let language = try LanguageModel(Self.base(model))
        let tokens = Self.tokens(30)
        var continuation = TextContinuation(language.transformer, adapters: NoAdapters(), capacity: 8)
        for (index, token) in tokens.enumerated() {
            let scores = try continuation.read([token])
            #expect((1...8).contains(continuation.context.count) && continuation.context.last == token)
            #expect(index < 4 || continuation.context.count >= 4)
            #expect(Array(tokens[...index].suffix(continuation.context.count)) == continuation.context)
            #expect(difference(scores, try language.logits(after: continuation.context)) < 1e-5)
        }
        _ = try continuation.read(tokens)
        #expect(continuation.context == tokens.suffix(4))
    }
}
