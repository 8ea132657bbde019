import Tensor

/// The buffers of one forward pass, allocated once for the largest batch and used by every block and batch.
struct EncoderWorkspace: Sendable {
    /// The rows between blocks, `[tokens, width]`; after ``run(_:_:)`` the encoder's output.
    private(set) var hidden: [Float]
    /// What is added to them next, `[tokens, width]`.
    private var update: [Float]
    /// Queries, keys and values, `[tokens, 3 * width]`.
    private var projections: [Float]
    /// What the heads gathered, `[tokens, width]`.
    private var context: [Float]
    /// Inside the feed-forward layer, `[tokens, feedForwardWidth]`.
    private var inner: [Float]
    /// Attention scores of one head of one sequence.
    private var scores: [Float]

    private let shape: TransformerConfiguration

    /// Room for `tokens` tokens in sequences of at most `longest`.
    init(_ shape: TransformerConfiguration, tokens: Int, longest: Int) {
        self.shape = shape
        hidden = [Float](repeating: 0, count: tokens * shape.width)
        update = hidden
        context = hidden
        projections = [Float](repeating: 0, count: tokens * 3 * shape.width)
        inner = [Float](repeating: 0, count: tokens * shape.feedForwardWidth)
        scores = [Float](repeating: 0, count: longest * longest)
    }

    /// Runs the encoder (Devlin et al. 2019; post-norm blocks of Vaswani et al. 2017); the result is ``hidden``.
    mutating func run(_ batch: PackedBatch, _ weights: EncoderWeights) {
        let rows = batch.tokens.count
        gatherRows(weights.tokenEmbedding.span, batch.tokens, columns: shape.width, into: &hidden)
        gatherRows(weights.positionEmbedding.span, batch.positions, columns: shape.width, into: &update)
        shape.normalize(&hidden, adding: update, bias: weights.segment, weights.embeddingNorm, rows)
        for block in weights.blocks {
            shape.attend(hidden, batch, block, &projections, &scores, &context, into: &update)
            shape.normalize(&hidden, adding: update, bias: block.attentionOutput.bias, block.attentionNorm, rows)
            shape.feedForward(hidden, block, rows, &inner, into: &update)
            shape.normalize(&hidden, adding: update, bias: block.down.bias, block.outputNorm, rows)
        }
    }
}

/// The three steps of a block over buffers that the caller owns.
extension TransformerConfiguration {
    /// `hidden = layerNorm(hidden + update + bias)`.
    fileprivate func normalize(
        _ hidden: inout [Float], adding update: [Float], bias: [Float], _ norm: Normalization, _ rows: Int
    ) {
        addLayerNorm(
            &hidden, update: update.span, bias: bias.span, gain: norm.gain.span, shift: norm.shift.span,
            epsilon: layerNormEpsilon, rows: rows)
    }

    /// `update = attention(hidden) W^T`; its bias is left to the normalisation that follows.
    fileprivate func attend(
        _ hidden: [Float], _ batch: PackedBatch, _ block: BlockWeights, _ projections: inout [Float],
        _ scores: inout [Float], _ context: inout [Float], into update: inout [Float]
    ) {
        let rows = batch.tokens.count
        fillRows(&projections, with: block.projections.bias.span, rows: rows)
        matmul(
            hidden.span, block.projections.weights.span, into: &projections, m: rows, n: 3 * width, k: width,
            transposeB: true, beta: 1)
        selfAttention(
            projections.span, boundaries: batch.boundaries, heads: heads, width: width, scores: &scores,
            into: &context)
        matmul(
            context.span, block.attentionOutput.weights.span, into: &update, m: rows, n: width, k: width,
            transposeB: true)
    }

    /// `update = gelu(hidden U^T + b) D^T`; its bias is left to the normalisation that follows.
    fileprivate func feedForward(
        _ hidden: [Float], _ block: BlockWeights, _ rows: Int, _ inner: inout [Float], into update: inout [Float]
    ) {
        matmul(
            hidden.span, block.up.weights.span, into: &inner, m: rows, n: feedForwardWidth, k: width,
            transposeB: true)
        addBiasGELU(&inner, bias: block.up.bias.span, rows: rows)
        matmul(
            inner.span, block.down.weights.span, into: &update, m: rows, n: width, k: feedForwardWidth,
            transposeB: true)
    }
}
