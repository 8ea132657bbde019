import Safetensors

/// One affine layer, `y = x W^T + b`.
struct Linear: Sendable {
    /// `[outputs, inputs]`, row-major, as PyTorch stores it.
    let weights: [Float]
    /// `[outputs]`.
    let bias: [Float]
}

/// The affine map of a layer normalisation.
struct Normalization: Sendable {
    /// `[width]`.
    let gain: [Float]
    /// `[width]`.
    let shift: [Float]
}

/// One transformer block: attention and feed-forward layer, each followed by residual and normalisation.
struct BlockWeights: Sendable {
    /// Queries, keys and values one after the other: `[3 * width, width]`.
    let projections: Linear
    /// `[width, width]`.
    let attentionOutput: Linear
    let attentionNorm: Normalization
    /// `[feedForwardWidth, width]`.
    let up: Linear
    /// `[width, feedForwardWidth]`.
    let down: Linear
    let outputNorm: Normalization
}

/// All weights of a BERT encoder as `Float`, queries, keys and values of each block fused into one product.
struct EncoderWeights: Sendable {
    /// `[vocabularySize, width]`.
    let tokenEmbedding: [Float]
    /// `[positions, width]`.
    let positionEmbedding: [Float]
    /// Row 0 of the segment embedding, `[width]`: every text is the first segment.
    let segment: [Float]
    let embeddingNorm: Normalization
    let blocks: [BlockWeights]

    /// Reads and converts the tensors, whose shapes must be those of the configuration.
    init(_ file: SafetensorsFile, _ shape: TransformerConfiguration) throws {
        let reader = TensorReader(file: file)
        let width = shape.width
        tokenEmbedding = try reader.floats("embeddings.word_embeddings.weight", [shape.vocabularySize, width])
        positionEmbedding = try reader.floats("embeddings.position_embeddings.weight", [shape.positions, width])
        segment = Array(
            try reader.floats("embeddings.token_type_embeddings.weight", [shape.segments, width]).prefix(width))
        embeddingNorm = try reader.normalization("embeddings.LayerNorm", width)
        blocks = try (0..<shape.blocks).map { index in
            let block = "encoder.layer.\(index)"
            let parts = try ["query", "key", "value"].map {
                try reader.linear("\(block).attention.self.\($0)", outputs: width, inputs: width)
            }
            return BlockWeights(
                projections: Linear(weights: parts.flatMap(\.weights), bias: parts.flatMap(\.bias)),
                attentionOutput: try reader.linear("\(block).attention.output.dense", outputs: width, inputs: width),
                attentionNorm: try reader.normalization("\(block).attention.output.LayerNorm", width),
                up: try reader.linear(
                    "\(block).intermediate.dense", outputs: shape.feedForwardWidth, inputs: width),
                down: try reader.linear("\(block).output.dense", outputs: width, inputs: shape.feedForwardWidth),
                outputNorm: try reader.normalization("\(block).output.LayerNorm", width))
        }
    }
}

/// Reads layers by name; files saved from a model with a head carry the prefix `bert.`.
private struct TensorReader {
    let file: SafetensorsFile
    let prefix: String

    init(file: SafetensorsFile) {
        self.file = file
        prefix = file.contains("bert.embeddings.word_embeddings.weight") ? "bert." : ""
    }

    func floats(_ name: String, _ shape: [Int]) throws -> [Float] { try file.floats(of: prefix + name, shape: shape) }

    func linear(_ name: String, outputs: Int, inputs: Int) throws -> Linear {
        Linear(
            weights: try floats("\(name).weight", [outputs, inputs]), bias: try floats("\(name).bias", [outputs]))
    }

    func normalization(_ name: String, _ width: Int) throws -> Normalization {
        Normalization(gain: try floats("\(name).weight", [width]), shift: try floats("\(name).bias", [width]))
    }
}
