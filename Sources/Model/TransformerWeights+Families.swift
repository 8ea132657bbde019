import Safetensors
import Tensor

/// Where each family keeps its tensors.
extension TransformerWeights {
    init(bert files: SafetensorsShards, _ shape: TransformerConfiguration) throws {
        // Files saved from a model with a head carry a prefix.
        let reader = TensorReader(files, prefixes: "bert.", probe: "embeddings.word_embeddings.weight")
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
                        try reader.linear($0, outputs: width, inputs: width)
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
    init(gpt2 files: SafetensorsShards, _ shape: TransformerConfiguration) throws {
        let reader = TensorReader(files, prefixes: "transformer.", probe: "wte.weight")
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
            head: shape.tiesHead ? nil : try files.floats(of: "lm_head.weight", shape: [shape.vocabularySize, width]))
    }

    init(llama files: SafetensorsShards, _ shape: TransformerConfiguration) throws {
        let reader = TensorReader(files, prefixes: "model.", probe: "embed_tokens.weight")
        let (width, attention) = (shape.width, shape.attention)
        self.init(
            tokenEmbedding: try reader.floats("embed_tokens.weight", [shape.vocabularySize, width]),
            positionEmbedding: [], segment: [Float](repeating: 0, count: width),
            norm: try reader.gain("norm", width),
            blocks: try (0..<shape.blocks).map { index in
                let block = "layers.\(index)"
                func plain(_ name: String, _ outputs: Int, _ inputs: Int) throws -> Linear {
                    Linear(
                        weights: try reader.floats("\(block).\(name).weight", [outputs, inputs]),
                        bias: [Float](repeating: 0, count: outputs))
                }
                return BlockWeights(
                    projections: try reader.fused(["q", "k", "v"]) { part in
                        try plain(
                            "self_attn.\(part)_proj", part == "q" ? attention.width : attention.keyValueWidth, width)
                    },
                    attentionOutput: try plain("self_attn.o_proj", width, attention.width),
                    attentionNorm: try reader.gain("\(block).input_layernorm", width),
                    gate: try plain("mlp.gate_proj", shape.feedForwardWidth, width),
                    up: try plain("mlp.up_proj", shape.feedForwardWidth, width),
                    down: try plain("mlp.down_proj", width, shape.feedForwardWidth),
                    feedForwardNorm: try reader.gain("\(block).post_attention_layernorm", width))
            },
            head: shape.tiesHead ? nil : try files.floats(of: "lm_head.weight", shape: [shape.vocabularySize, width]))
    }
}

/// Reads layers by name, with the prefix that the file's names carry, if they do.
private struct TensorReader {
    private let files: SafetensorsShards
    private let prefix: String

    init(_ files: SafetensorsShards, prefixes prefix: String, probe: String) {
        self.files = files
        self.prefix = files.contains(prefix + probe) ? prefix : ""
    }

    func floats(_ name: String, _ shape: [Int]) throws -> [Float] { try files.floats(of: prefix + name, shape: shape) }

    func linear(_ name: String, outputs: Int, inputs: Int) throws -> Linear {
        Linear(weights: try floats("\(name).weight", [outputs, inputs]), bias: try floats("\(name).bias", [outputs]))
    }

    func transposed(_ name: String, outputs: Int, inputs: Int) throws -> Linear {
        let stored = try floats("\(name).weight", [inputs, outputs])
        var weights = [Float](repeating: 0, count: stored.count)
        for input in 0..<inputs {
            for output in 0..<outputs { weights[output * inputs + input] = stored[input * outputs + output] }
        }
        return Linear(weights: weights, bias: try floats("\(name).bias", [outputs]))
    }

    func fused(_ names: [String], _ read: (String) throws -> Linear) rethrows -> Linear {
        let parts = try names.map(read)
        return Linear(weights: parts.flatMap(\.weights), bias: parts.flatMap(\.bias))
    }

    func normalization(_ name: String, _ width: Int) throws -> Normalization {
        Normalization(gain: try floats("\(name).weight", [width]), shift: try floats("\(name).bias", [width]))
    }

    func gain(_ name: String, _ width: Int) throws -> Normalization {
        Normalization(gain: try floats("\(name).weight", [width]), shift: [Float](repeating: 0, count: width))
    }
}
