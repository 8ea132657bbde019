import Adapters
import Foundation
import Model
import Safetensors
import Tensor
import Testing
import Tokenizer

/// Exports with what they give here, for `Fixtures/check_peft.py` to compare with what they give in PEFT and
/// sentence-transformers.
@Suite struct PEFTReferenceExport {
    static let target = ProcessInfo.processInfo.environment["ATTUNE_TEST_EXPORT"]

    /// all-MiniLM-L6-v2 and novels-gpt2, where they are at hand.
    private static let folders = ["ATTUNE_TEST_BASE", "ATTUNE_TEST_DECODER"].compactMap {
        ProcessInfo.processInfo.environment[$0]
    }

    /// A file of `attune adapt` for that decoder.
    private static let adapted: (path: String, decoder: String)? = {
        let environment = ProcessInfo.processInfo.environment
        guard let path = environment["ATTUNE_TEST_ADAPTER"], let decoder = environment["ATTUNE_TEST_DECODER"] else {
            return nil
        }
        return (path, decoder)
    }()

    private static let texts = [
        "A quiet novel about the sea.", "The lighthouse keeper counted ships until the war.",
        "Was it? It was the best of times, it was the worst of times; we had everything before us.", "k",
    ]

    private struct Case: Encodable {
        var name: String
        var base: String
        var isEncoder: Bool
        var texts: [String]
    }

    @Test(
        "exports for tiny models and for real ones are written with their outputs",
        .enabled(if: target != nil, "set ATTUNE_TEST_EXPORT to a folder that check_peft.py is to read"))
    func write() throws {
        let target = try #require(Self.target)
        var cases: [Case] = []
        for model in GoldenAdapters.models {
            let base = try BaseFolder.open(GoldenAdapters.path(model))
            let golden = try GoldenAdapters.read(model)
            cases.append(
                try write(
                    model, base, golden.sequences, texts: golden.texts ?? [],
                    Self.mixture(base.configuration, scale: 0.2), below: target))
        }
        for path in Self.folders {
            let base = try BaseFolder.open(path)
            cases.append(
                try write(
                    URL(filePath: path).lastPathComponent, base, sequences(of: base), texts: Self.texts,
                    Self.mixture(base.configuration, scale: 0.06), below: target))
        }
        if let (path, decoder) = Self.adapted {
            let base = try BaseFolder.open(decoder)
            let file = try LoRAFile(
                decoding: SafetensorsFile(path: path), for: base.configuration, baseDigest: base.digest, at: path)
            cases.append(
                try write(
                    "adapted", base, sequences(of: base), texts: Self.texts,
                    (file.plan(base.configuration), file.parameters), below: target))
        }
        try JSONEncoder().encode(cases).write(to: URL(filePath: "\(target)/cases.json"))
        #expect(cases.count == 3 + Self.folders.count + (Self.adapted == nil ? 0 : 1))
    }

    private func sequences(of base: BaseFolder) throws -> [[Int32]] {
        if base.configuration.family == .bert {
            let encoder = try TextEncoder(base)
            return Self.texts.map(encoder.tokens)
        }
        let model = try LanguageModel(base)
        return Self.texts.map { model.tokenizer.encode($0) }
    }

    /// Two kinds of LoRA at most products, none at some.
    private static func mixture(
        _ shape: TransformerConfiguration, scale: Double
    ) -> (plan: AdapterPlan, parameters: [Float]) {
        var kinds: [Site: any AdapterKind] = [:]
        for block in 0..<shape.blocks {
            for place in Site.Place.allCases where place.isProjection && shape.has(Site(place, block: block)) {
                kinds[Site(place, block: block)] = LoRA(rank: 4, alpha: 6)
            }
        }
        kinds[Site(.value, block: 0)] = LoRA(rank: 8, alpha: 4)
        for place in [Site.Place.down, .key] { kinds[Site(place, block: 1)] = nil }
        let plan = AdapterPlan(shape, kinds)
        return (plan, PEFTFixtures.parameters(plan, seed: 8, scale: scale))
    }

    /// A LoRA, and a head where there is a pooled output.
    private func write(
        _ name: String, _ base: BaseFolder, _ sequences: [[Int32]], texts: [String],
        _ adapter: (plan: AdapterPlan, parameters: [Float]), below target: String
    ) throws -> Case {
        let (shape, folder) = (base.configuration, "\(target)/\(name)")
        let transformer = try Transformer(base, maximumTokens: min(shape.positions, 256))
        let (plan, parameters) = adapter
        let provenance = PEFTProvenance(base: base.digest, user: "demo/u-7", revision: "1")
        let lora = try PEFTFolder(
            path: folder, exporting: plan, parameters, baseName: base.path, provenance: provenance)
        try save([(PEFTFolder.configurationName, lora.configuration), (PEFTFolder.weightsName, lora.weights)], folder)

        var writer = SafetensorsWriter()
        writer.add("ids", shape: [sequences.reduce(0) { $0 + $1.count }], int32s: sequences.flatMap { $0 })
        writer.add("lengths", shape: [sequences.count], int32s: sequences.map { Int32($0.count) })
        let adapted = outputs(transformer, plan, parameters, sequences)
        let unadapted = outputs(transformer, AdapterPlan(shape, [:]), [], sequences)
        #expect(adapted.values.allSatisfy { $0.isFinite })
        writer.add("adapted", shape: [adapted.rows, adapted.columns], floats: adapted.values)
        writer.add("unadapted", shape: [adapted.rows, adapted.columns], floats: unadapted.values)
        if shape.family == .bert {
            var random = RandomSource(seed: 9)
            let head = LinearHead(weights: (0..<shape.width).map { _ in Float(random.normal()) }, bias: 0.25)
            writer.add("adapted.logits", shape: [adapted.rows, 1], floats: head.logits(of: adapted))
            writer.add("unadapted.logits", shape: [adapted.rows, 1], floats: head.logits(of: unadapted))
            for (path, activation, lora) in [
                ("head", SentenceTransformersFolder.Activation.identity, nil), ("head-and-lora", .sigmoid, lora),
            ] {
                let model = SentenceTransformersFolder(
                    shape, weights: head.weights, bias: [head.bias], activation, lora: lora, provenance: provenance)
                try save(model.files.map { ($0.path, $0.bytes) }, "\(folder)/\(path)")
                for file in base.files {
                    let link = "\(folder)/\(path)/\(file.name)"
                    try? FileManager.default.removeItem(atPath: link)
                    try FileManager.default.createSymbolicLink(
                        atPath: link, withDestinationPath: "\(base.path)/\(file.name)")
                }
            }
        }
        try save([("outputs.safetensors", writer.encoded())], folder)
        return Case(name: name, base: base.path, isEncoder: shape.family == .bert, texts: texts)
    }

    /// The pooled rows of an encoder; the scores of every next token of a decoder.
    private func outputs(
        _ transformer: Transformer, _ plan: AdapterPlan, _ parameters: [Float], _ sequences: [[Int32]]
    ) -> Matrix {
        var batch = PackedBatch()
        for sequence in sequences { batch.append(sequence) }
        var bank = AdapterBank(plan, users: 1)
        bank.parameters.copy(parameters.span)
        bank.textsOfUsers = [0, sequences.count]
        var pass = TransformerPass(
            transformer, tokens: batch.tokens.count, longest: sequences.map(\.count).max() ?? 0,
            sites: plan.savedColumns)
        pass.run(batch, bank)
        let result: MatrixView
        if transformer.configuration.family == .bert {
            result = PooledOutput(transformer.configuration, texts: sequences.count, sites: plan.savedColumns)
                .forward(pass, bank)
        } else {
            result = MatrixView(rows: batch.tokens.count, columns: transformer.configuration.vocabularySize)
            transformer.score(pass.output, into: result)
        }
        return Matrix(rows: result.rows, columns: result.columns, values: result.values)
    }

    private func save(_ files: [(path: String, bytes: [UInt8])], _ folder: String) throws {
        for file in files {
            let url = URL(filePath: "\(folder)/\(file.path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.bytes).write(to: url)
        }
    }
}
