import Safetensors

/// One affine layer, `y = x W^T + b`.
struct Linear: Sendable {
    /// `[outputs, inputs]`, row-major, as PyTorch stores it.
    let weights: [Float]
    /// `[outputs]`.
    let bias: [Float]
}

/// The affine map of a normalisation.
struct Normalization: Sendable {
    /// `[width]`.
    let gain: [Float]
    /// `[width]`; zeros where the family has none.
    let shift: [Float]
}

/// One transformer block: attention and feed-forward layer, each with a residual and a normalisation.
struct BlockWeights: Sendable {
    /// Queries, keys and values one after the other: `[attention.columns, width]`.
    let projections: Linear
    /// `[width, attention.width]`.
    let attentionOutput: Linear
    let attentionNorm: Normalization
    /// `[feedForwardWidth, width]`; nil: the feed-forward layer is not gated.
    let gate: Linear?
    /// `[feedForwardWidth, width]`.
    let up: Linear
    /// `[width, feedForwardWidth]`.
    let down: Linear
    let feedForwardNorm: Normalization
}

/// All weights of a transformer as `Float`, queries, keys and values of each block fused into one product.
struct TransformerWeights: Sendable {
    /// `[vocabularySize, width]`.
    let tokenEmbedding: [Float]
    /// `[positions, width]`; empty: positions are rotary.
    let positionEmbedding: [Float]
    /// Row 0 of the segment embedding, `[width]`: every text is the first segment. Zeros without segments.
    let segment: [Float]
    /// Of the embeddings (BERT) or of the last block's output.
    let norm: Normalization
    let blocks: [BlockWeights]
    /// `[vocabularySize, width]`; nil: the token embedding, or the model scores no tokens.
    let head: [Float]?

    /// Reads and converts the tensors, whose shapes must be those of the configuration.
    init(_ files: SafetensorsShards, _ shape: TransformerConfiguration) throws {
        switch shape.family {
        case .bert: try self.init(bert: files, shape)
        case .gpt2: try self.init(gpt2: files, shape)
        case .llama: try self.init(llama: files, shape)
        }
    }

    init(
        tokenEmbedding: [Float], positionEmbedding: [Float], segment: [Float], norm: Normalization,
        blocks: [BlockWeights], head: [Float]?
    ) {
        (self.tokenEmbedding, self.positionEmbedding, self.segment) = (tokenEmbedding, positionEmbedding, segment)
        (self.norm, self.blocks, self.head) = (norm, blocks, head)
    }
}
