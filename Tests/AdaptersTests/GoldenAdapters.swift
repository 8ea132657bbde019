import Adapters
import Foundation
import Model
import Tensor

/// Losses and gradients that PyTorch computed in Double; `Fixtures/make_adapters.py` describes the files.
struct GoldenAdapters: Decodable {
    struct SiteCase: Decodable {
        var site: String
        var block: Int?
        var parameters: [String: [Float]]
        var gradients: [String: [Float]]
        var rows: [Int32]?
        var columns: [Int32]?
        var mask: [Float]?
    }

    struct Case: Decodable {
        var name: String
        var kind: String
        var rank: Int?
        var tokens: Int?
        var alpha: Float?
        var rslora: Bool?
        var scale: Float?
        var sites: [SiteCase]
        var loss: Float
        var headGradients: Head?
        var orthogonality: Orthogonality?

        enum CodingKeys: String, CodingKey {
            case name, kind, rank, tokens, orthogonality, alpha, rslora, scale, sites, loss
            case headGradients = "head_gradients"
        }
    }

    struct Orthogonality: Decodable {
        struct SiteGradients: Decodable {
            var site: String
            var block: Int
            var gradients: [String: [Float]]
        }

        var weight: Float
        var value: Float
        var sites: [SiteGradients]
    }

    struct Head: Decodable {
        var weights: [Float]
        var bias: [Float]
    }

    struct Training: Decodable {
        struct Start: Decodable {
            var site: String
            var block: Int?
            var A: [Float]
        }

        var rank: Int
        var alpha: Float
        var sites: [Start]
        var losses: [Float]
    }

    struct OtherHead: Decodable {
        struct Gradients: Decodable {
            var weights: [Float]
            var bias: [Float]
            var features: [[Float]]
        }

        var kind: String
        var weights: [Float]
        var bias: [Float]
        var targets: [Float]?
        var pairs: [[Int]]?
        var loss: Float
        var gradients: Gradients
    }

    var sequences: [[Int32]]
    var texts: [String]?
    var labels: [Float]?
    var head: Head?
    var cases: [Case]
    var training: Training
    var features: [[Float]]?
    var heads: [OtherHead]?

    /// The models, each with its values.
    static let models = ["tiny-bert", "tiny-gpt2", "tiny-llama"]

    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    static func read(_ model: String) throws -> GoldenAdapters {
        try JSONDecoder().decode(
            GoldenAdapters.self, from: Data(contentsOf: fixtures.appending(path: "adapters-\(model).json")))
    }

    static func transformer(_ model: String) throws -> Transformer {
        try Transformer(try BaseFolder.open(path(model)))
    }

    /// The folder of a model.
    static func path(_ model: String) -> String {
        let decoders = fixtures.deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "ModelTests/Fixtures")
        return (model == "tiny-bert" ? fixtures : decoders).appending(path: model).path
    }

    /// The site of a name in the files.
    static func site(_ name: String, _ block: Int?, _ shape: TransformerConfiguration) -> Site? {
        Site.Place(rawValue: name).map { Site($0, block: block ?? ($0 == .embeddings ? 0 : shape.blocks)) }
    }

    /// The kind of a case at one of its sites; nil for kinds that are not sites' adapters.
    static func kind(
        _ golden: Case, _ site: SiteCase, _ channels: (inputs: Int, outputs: Int)
    ) -> (any AdapterKind)? {
        switch golden.kind {
        case "lora":
            LoRA(rank: golden.rank ?? 0, alpha: golden.alpha ?? 0, isRankStabilized: golden.rslora ?? false)
        case "adalora": AdaLoRA(rank: golden.rank ?? 0, alpha: golden.alpha ?? 0)
        case "prompt": PromptTokens(count: golden.tokens ?? 0)
        case "bottleneck": Bottleneck.pfeiffer(width: golden.rank ?? 0)
        case "parallel": Bottleneck.parallel(width: golden.rank ?? 0, scale: golden.scale ?? 0)
        case "sparse":
            SparseDelta(
                SparseSupport(
                    inputs: channels.inputs, outputs: channels.outputs, rows: site.rows ?? [],
                    columns: site.columns ?? [], gate: site.mask.map { $0.map { $0 != 0 } }))
        default: nil
        }
    }

    /// The largest difference, relative to the largest value.
    static func error(_ values: [Float], _ exact: [Float]) -> Float {
        guard values.count == exact.count else { return .infinity }
        let largest = exact.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
        return zip(values, exact).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
    }
}

/// An encoder or a decoder with one user, behind the same three calls.
struct GoldenModel {
    var encoder: AdaptedEncoder?
    var decoder: AdaptedDecoder?
    let golden: GoldenAdapters

    init(_ transformer: Transformer, _ kinds: [Site: any AdapterKind], _ golden: GoldenAdapters) {
        self.golden = golden
        let virtual = AdapterPlan(transformer.configuration, kinds).virtualTokens
        let tokens = golden.sequences.reduce(0) { $0 + $1.count + virtual }
        let longest = (golden.sequences.map(\.count).max() ?? 0) + virtual
        if let head = golden.head {
            let plan = AdapterPlan(
                transformer.configuration, kinds, head: .classification(classes: head.bias.count))
            encoder = AdaptedEncoder(
                transformer, plan, users: 1, texts: golden.sequences.count, tokens: tokens, longest: longest)
            encoder?.bank.head(of: 0)?.weights.copy(head.weights.span)
            encoder?.bank.head(of: 0)?.bias.copy(head.bias.span)
        } else {
            decoder = AdaptedDecoder(
                transformer, AdapterPlan(transformer.configuration, kinds), users: 1, tokens: tokens, longest: longest)
        }
    }

    var bank: AdapterBank? { encoder?.bank ?? decoder?.bank }

    mutating func lossAndGradients() -> Float {
        guard encoder != nil else {
            return decoder?.lossesAndGradients(golden.sequences, sequencesOfUsers: [0, golden.sequences.count])[0]
                ?? .nan
        }
        var batch = PackedBatch()
        for sequence in golden.sequences {
            batch.append(sequence, virtualTokens: encoder?.bank.plan.virtualTokens ?? 0)
        }
        return encoder?.lossesAndGradients(
            batch, textsOfUsers: [0, batch.count], targets: golden.labels ?? [])[0] ?? .nan
    }
}
