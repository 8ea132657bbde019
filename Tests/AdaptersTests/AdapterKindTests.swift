import Adapters
import Model
import Tensor
import Testing

/// Every kind in the conformance suite, over the three families.
@Suite struct AdapterKindTests {
    struct Named: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let make: @Sendable ((inputs: Int, outputs: Int)) -> any AdapterKind
    }

    private static func tensors(_ shapes: [ParameterShape], _ value: (Int) -> Float) -> [MatrixView] {
        shapes.map { MatrixView(rows: $0.rows, columns: $0.columns, values: (0..<$0.count).map(value)) }
    }

    /// Three LoRAs that are not neutral.
    private static func library(for channels: (inputs: Int, outputs: Int)) -> AdapterLibrary {
        var random = RandomSource(seed: 32)
        return AdapterLibrary(
            (1...3).map { rank in
                let kind = LoRA(rank: rank, alpha: 2)
                let shapes = kind.parameters(inputs: channels.inputs, outputs: channels.outputs)
                return AdapterLibrary.Expert(kind, tensors(shapes) { _ in Float(0.5 * random.normal()) })
            })
    }

    static let kinds: [Named] = [
        Named(testDescription: "LoRA") { _ in LoRA(rank: 3, alpha: 6) },
        Named(testDescription: "rank-stabilised LoRA") { _ in LoRA(rank: 2, alpha: 3, isRankStabilized: true) },
        Named(testDescription: "bottleneck") { _ in Bottleneck.pfeiffer(width: 5) },
        Named(testDescription: "parallel adapter") { _ in Bottleneck.parallel(width: 4, scale: 2) },
        Named(testDescription: "AdaLoRA") { _ in AdaLoRA(rank: 3, alpha: 6) },
        Named(testDescription: "generated LoRA") { channels in
            var random = RandomSource(seed: 31)
            let inner = LoRA(rank: 2, alpha: 2)
            let shapes = inner.parameters(inputs: channels.inputs, outputs: channels.outputs)
            let count = shapes.reduce(0) { $0 + $1.count }
            let start = tensors(shapes) { _ in 0 }
            inner.initialize(start, random: &random)
            let directions = (0..<6 * count).map { _ in Float(0.3 * random.normal()) }
            return GeneratedAdapter(
                inner, inputs: channels.inputs, outputs: channels.outputs, start: start.flatMap(\.values),
                directions: Matrix(rows: 6, columns: count, values: directions))
        },
        Named(testDescription: "mixture of LoRAs") { AdapterMixture(library(for: $0)) },
        Named(testDescription: "attention over LoRAs") { TaskAttention(library(for: $0)) },
        Named(testDescription: "gated sparse delta") { channels in
            var random = RandomSource(seed: 77)
            let support = SparseDelta.random(
                entries: 60, inputs: channels.inputs, outputs: channels.outputs, &random
            ).support
            return SparseDelta(
                SparseSupport(
                    inputs: channels.inputs, outputs: channels.outputs, rows: support.rows,
                    columns: support.columns, gate: (0..<channels.inputs).map { $0 % 4 != 1 }))
        },
    ]

    @Test("a start changes nothing and can be learned from", arguments: GoldenAdapters.models, kinds)
    func neutral(model: String, kind: Named) throws {
        try AdapterConformance(model, kind.make).startsNeutral()
    }

    @Test("gradients are differences of the loss, at every site", arguments: GoldenAdapters.models, kinds)
    func gradients(model: String, kind: Named) throws {
        try AdapterConformance(model, kind.make).gradientsAreDifferences()
    }

    @Test("users of one batch do not see each other", arguments: GoldenAdapters.models, kinds)
    func apart(model: String, kind: Named) throws {
        try AdapterConformance(model, kind.make).usersAreApart()
    }

    @Test("a merged adapter is the adapter", arguments: kinds)
    func merge(kind: Named) throws { try AdapterConformance("tiny-bert", kind.make).mergesToWhatItAdds() }

    @Test("a file gives back an adapter", arguments: GoldenAdapters.models, kinds)
    func file(model: String, kind: Named) throws {
        try AdapterConformance(model, kind.make).survivesAFile()
    }

    @Test("a run from the frozen cut gives what a run from the tokens gives", arguments: Site.Place.allCases)
    func cuts(place: Site.Place) throws {
        let suite = try AdapterConformance("tiny-bert") { _ in LoRA(rank: 2, alpha: 2) }
        let sites = suite.sites.filter { $0.place == place }
        guard let site = sites.last else { return #expect(place == .gate) }
        var model = suite.make([site])
        let bank = try #require(model.bank)
        suite.randomize(bank, seed: 6)
        let expected = model.lossAndGradients()
        let gradients = bank.gradients.values
        var batch = PackedBatch()
        for sequence in suite.golden.sequences { batch.append(sequence) }
        var frozen = TransformerPass(suite.transformer, tokens: batch.tokens.count, longest: 12)
        let cut = bank.plan.cut
        // The last block's sites leave the first block frozen.
        #expect((cut == .tokens) == (place == .embeddings))
        guard cut != .tokens else { return }
        frozen.run(batch, NoAdapters(), to: cut)
        let rows = frozen.rows(at: cut, count: batch.tokens.count).map(\.values)
        var encoder = try #require(model.encoder)
        for (target, values) in zip(encoder.frozenRows(count: batch.tokens.count), rows) { target.copy(values.span) }
        let loss = encoder.lossesAndGradients(
            batch, textsOfUsers: [0, batch.count], targets: suite.golden.labels ?? [], from: cut)[0]
        #expect(abs(loss - expected) < 1e-6)
        #expect(GoldenAdapters.error(bank.gradients.values, gradients) < 1e-5)
    }

    @Test("of the values of a sparse delta the largest are kept, the first of equals")
    func threshold() {
        let values = MatrixView(rows: 1, columns: 5, values: [1, -3, 2, -2, 0.5])
        SparseDelta.keepLargest(2, of: values)
        #expect(values.values == [0, -3, 2, 0, 0])
        SparseDelta.keepLargest(9, of: values)
        #expect(values.values == [0, -3, 2, 0, 0])
        SparseDelta.keepLargest(0, of: values)
        #expect(values.values == [0, 0, 0, 0, 0])
    }
}
