import Safetensors
import Tensor

/// Where each family keeps its tensors.
extension TransformerWeights {
    init(bert files: SafetensorsShards, _ shape: TransformerConfiguration, _ products: ProductBackend) throws {
        // Files saved from a model with a head carry a prefix.
        let reader = TensorReader(files, products, prefixes: "bert.", probe: "embeddings.word_embeddings.weight")
        let width = shape.width
        self.init(
            tokenEmbedding: try reader.floats("embeddings.word_embeddings.weight", [shape.vocabularySize, width]),
            positionEmbedding: try reader.floats("embeddings.position_embeddings.weight", [shape.positions, width]),
            segment: Array(
                try reader.floats("embeddings.token_type_embeddings.weight", [shape.segments, width]).prefix(width)),
            norm: try reader.normalization("embeddings.LayerNorm", width),
            blocks: try (0..<shape.blocks).map { index in
                let block = "encoder.layer.\(index)"
                return BlockWeights(
                    projections: try reader.fused(["query", "key", "value"].map { "\(block).attention.self.\($0)" }) {
                        try reader.affine($0, outputs: width, inputs: width)
                    },
                    attentionOutput: try reader.linear(
                        "\(block).attention.output.dense", outputs: width, inputs: width),
                    attentionNorm: try reader.normalization("\(block).attention.output.LayerNorm", width),
                    gate: nil,
                    up: try reader.linear(
                        "\(block).intermediate.dense", outputs: shape.feedForwardWidth, inputs: width),
                    down: try reader.linear("\(block).output.dense", outputs: width, inputs: shape.feedForwardWidth),
                    feedForwardNorm: try reader.normalization("\(block).output.LayerNorm", width))
            }, head: nil)
    }

    /// GPT-2 stores its layers as `[inputs, outputs]`.
    init(gpt2 files: SafetensorsShards, _ shape: TransformerConfiguration, _ products: ProductBackend) throws {
        let reader = TensorReader(files, products, prefixes: "transformer.", probe: "wte.weight")
        let width = shape.width
        self.init(
            tokenEmbedding: try reader.floats("wte.weight", [shape.vocabularySize, width]),
            positionEmbedding: try reader.floats("wpe.weight", [shape.positions, width]),
            segment: [Float](repeating: 0, count: width), norm: try reader.normalization("ln_f", width),
            blocks: try (0..<shape.blocks).map { index in
                let block = "h.\(index)"
                return BlockWeights(
                    projections: try reader.transposed("\(block).attn.c_attn", outputs: 3 * width, inputs: width),
                    attentionOutput: try reader.transposed("\(block).attn.c_proj", outputs: width, inputs: width),
                    attentionNorm: try reader.normalization("\(block).ln_1", width), gate: nil,
                    up: try reader.transposed("\(block).mlp.c_fc", outputs: shape.feedForwardWidth, inputs: width),
                    down: try reader.transposed("\(block).mlp.c_proj", outputs: width, inputs: shape.feedForwardWidth),
                    feedForwardNorm: try reader.normalization("\(block).ln_2", width))
            },
            head: try reader.head(shape, tied: "wte.weight"))
    }

    init(llama files: SafetensorsShards, _ shape: TransformerConfiguration, _ products: ProductBackend) throws {
        let reader = TensorReader(files, products, prefixes: "model.", probe: "embed_tokens.weight")
        let (width, attention) = (shape.width, shape.attention)
        self.init(
            tokenEmbedding: try reader.floats("embed_tokens.weight", [shape.vocabularySize, width]),
            positionEmbedding: [], segment: [Float](repeating: 0, count: width),
            norm: try reader.gain("norm", width),
            blocks: try (0..<shape.blocks).map { index in
                let block = "layers.\(index)"
                func plain(_ name: String, _ outputs: Int, _ inputs: Int) throws -> Affine {
                    Affine(
                        weights: try reader.floats("\(block).\(name).weight", [outputs, inputs]),
                        bias: [Float](repeating: 0, count: outputs))
                }
                func prepared(_ name: String, _ outputs: Int, _ inputs: Int) throws -> any FrozenLinear {
                    reader.prepare(try plain(name, outputs, inputs))
                }
                return BlockWeights(
                    projections: try reader.fused(["q", "k", "v"]) { part in
                        try plain(
                            "self_attn.\(part)_proj", part == "q" ? attention.width : attention.keyValueWidth, width)
                    },
                    attentionOutput: try prepared("self_attn.o_proj", width, attention.width),
                    attentionNorm: try reader.gain("\(block).input_layernorm", width),
                    gate: try prepared("mlp.gate_proj", shape.feedForwardWidth, width),
                    up: try prepared("mlp.up_proj", shape.feedForwardWidth, width),
                    down: try prepared("mlp.down_proj", width, shape.feedForwardWidth),
                    feedForwardNorm: try reader.gain("\(block).post_attention_layernorm", width))
            },
            head: try reader.head(shape, tied: "embed_tokens.weight"))
    }
}

/// An affine layer as the files hold it.
private struct Affine {
    /// `[outputs, inputs]`, row-major, as PyTorch stores it.
    let weights: [Float]
    /// `[outputs]`.
    let bias: [Float]
}

/// Reads layers by name, with the prefix that the file's names carry, if they do.
private struct TensorReader {
    private let files: SafetensorsShards
    private let products: ProductBackend
    private let prefix: String

    init(_ files: SafetensorsShards, _ products: ProductBackend, prefixes prefix: String, probe: String) {
        (self.files, self.products) = (files, products)
        self.prefix = files.contains(prefix + probe) ? prefix : ""
    }

    func floats(_ name: String, _ shape: [Int]) throws -> [Float] { try files.floats(of: prefix + name, shape: shape) }

    func prepare(_ layer: Affine) -> any FrozenLinear { products.prepare(weights: layer.weights, bias: layer.bias) }

    func affine(_ name: String, outputs: Int, inputs: Int) throws -> Affine {
        Affine(weights: try floats("\(name).weight", [outputs, inputs]), bias: try floats("\(name).bias", [outputs]))
    }

    func linear(_ name: String, outputs: Int, inputs: Int) throws -> any FrozenLinear {
        prepare(try affine(name, outputs: outputs, inputs: inputs))
    }

    func transposed(_ name: String, outputs: Int, inputs: Int) throws -> any FrozenLinear {
        let stored = try floats("\(name).weight", [inputs, outputs])
        var weights = [Float](repeating: 0, count: stored.count)
        for input in 0..<inputs {
            for output in 0..<outputs { weights[output * inputs + input] = stored[input * outputs + output] }
        }
        return products.prepare(weights: weights, bias: try floats("\(name).bias", [outputs]))
    }

    func fused(_ names: [String], _ read: (String) throws -> Affine) rethrows -> any FrozenLinear {
        let parts = try names.map(read)
        return products.prepare(weights: parts.flatMap(\.weights), bias: parts.flatMap(\.bias))
    }

    /// What scores the next token: a layer of its own, or the token embedding under its name here.
    func head(_ shape: TransformerConfiguration, tied: String) throws -> any FrozenLinear {
        let size = [shape.vocabularySize, shape.width]
        return products.prepare(
            weights: shape.tiesHead ? try floats(tied, size) : try files.floats(of: "lm_head.weight", shape: size),
            bias: [Float](repeating: 0, count: shape.vocabularySize))
    }

    func normalization(_ name: String, _ width: Int) throws -> Normalization {
        Normalization(gain: try floats("\(name).weight", [width]), shift: try floats("\(name).bias", [width]))
    }

    func gain(_ name: String, _ width: Int) throws -> Normalization {
        Normalization(gain: try floats("\(name).weight", [width]), shift: [Float](repeating: 0, count: width))
    }
}
