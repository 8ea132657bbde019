import Safetensors
import Tensor

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
    let projections: any FrozenLinear
    /// `[width, attention.width]`.
    let attentionOutput: any FrozenLinear
    let attentionNorm: Normalization
    /// `[feedForwardWidth, width]`; nil: the feed-forward layer is not gated.
    let gate: (any FrozenLinear)?
    /// `[feedForwardWidth, width]`.
    let up: any FrozenLinear
    /// `[width, feedForwardWidth]`.
    let down: any FrozenLinear
    let feedForwardNorm: Normalization
}

/// All weights of a transformer, queries, keys and values of each block fused into one product.
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
    /// `[vocabularySize, width]`: scores the next token; nil in encoders.
    let head: (any FrozenLinear)?

    /// Reads the tensors, whose shapes must be those of the configuration, and prepares the products.
    init(_ files: SafetensorsShards, _ shape: TransformerConfiguration, _ products: ProductBackend) throws {
        switch shape.family {
        case .bert: try self.init(bert: files, shape, products)
        case .gpt2: try self.init(gpt2: files, shape, products)
        case .llama: try self.init(llama: files, shape, products)
        }
    }

    init(
        tokenEmbedding: [Float], positionEmbedding: [Float], segment: [Float], norm: Normalization,
        blocks: [BlockWeights], head: (any FrozenLinear)?
    ) {
        (self.tokenEmbedding, self.positionEmbedding, self.segment) = (tokenEmbedding, positionEmbedding, segment)
        (self.norm, self.blocks, self.head) = (norm, blocks, head)
    }
}
