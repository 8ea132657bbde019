import Tensor

/// The buffers of one forward pass, allocated once for the largest batch and used by every block and batch.
struct TransformerWorkspace: Sendable {
    /// The rows between blocks, `[tokens, width]`; after ``run(_:_:observe:)`` the transformer's output.
    private(set) var hidden: [Float]
    /// What is added to them next, `[tokens, width]`.
    private var update: [Float]
    /// What the next layer reads where that is not `hidden`: normalised before it, `[tokens, width]`.
    private var normed: [Float]
    /// Queries, keys and values, `[tokens, attention.columns]`.
    private var projections: [Float]
    /// What the heads gathered, `[tokens, attention.width]`.
    private var context: [Float]
    /// Inside the feed-forward layer, `[tokens, feedForwardWidth]`; and its gates, where it is gated.
    private var inner: [Float]
    private var gates: [Float]
    /// Attention scores of one head of one sequence.
    private var scores: [Float]

    private let shape: TransformerConfiguration
    private let rotary: RotaryTable?

    /// Room for `tokens` tokens in sequences of at most `longest`.
    init(_ shape: TransformerConfiguration, tokens: Int, longest: Int, rotary: RotaryTable? = nil) {
        self.shape = shape
        self.rotary = rotary
        hidden = [Float](repeating: 0, count: tokens * shape.width)
        update = hidden
        normed = shape.family == .bert ? [] : hidden
        context = [Float](repeating: 0, count: tokens * shape.attention.width)
        projections = [Float](repeating: 0, count: tokens * shape.attention.columns)
        inner = [Float](repeating: 0, count: tokens * shape.feedForwardWidth)
        gates = shape.family == .llama ? inner : []
        scores = [Float](repeating: 0, count: longest * longest)
    }

    /// Runs the transformer; the result is ``hidden``.
    ///
    /// - Parameter observe: is lent the rows after the embeddings (0) and after each block (1, 2, …), before the last
    ///   normalisation of a decoder.
    mutating func run(
        _ batch: PackedBatch, _ weights: TransformerWeights, observe: (Int, Span<Float>) -> Void = { _, _ in }
    ) {
        switch shape.family {
        case .bert: encode(batch, weights, observe)
        case .gpt2, .llama: decode(batch, weights, observe)
        }
    }

    /// Blocks that normalise after each residual (Devlin et al. 2019; Vaswani et al. 2017).
    private mutating func encode(
        _ batch: PackedBatch, _ weights: TransformerWeights, _ observe: (Int, Span<Float>) -> Void
    ) {
        let rows = batch.tokens.count
        gatherRows(weights.tokenEmbedding.span, batch.tokens, columns: shape.width, into: &hidden)
        gatherRows(weights.positionEmbedding.span, batch.positions, columns: shape.width, into: &update)
        shape.normalizeSum(&hidden, adding: update, bias: weights.segment, weights.norm, rows)
        observe(0, hidden.span)
        for (index, block) in weights.blocks.enumerated() {
            shape.project(hidden, block, rows, into: &projections)
            shape.attend(projections, batch, block, &scores, &context, into: &update)
            shape.normalizeSum(&hidden, adding: update, bias: block.attentionOutput.bias, block.attentionNorm, rows)
            shape.feedForward(hidden, block, rows, &inner, &gates, into: &update)
            shape.normalizeSum(&hidden, adding: update, bias: block.down.bias, block.feedForwardNorm, rows)
            observe(index + 1, hidden.span)
        }
    }

    /// Blocks that normalise before each layer (Radford et al. 2019; Touvron et al. 2023), and once more at the end.
    private mutating func decode(
        _ batch: PackedBatch, _ weights: TransformerWeights, _ observe: (Int, Span<Float>) -> Void
    ) {
        let rows = batch.tokens.count
        gatherRows(weights.tokenEmbedding.span, batch.tokens, columns: shape.width, into: &hidden)
        if rotary == nil {
            gatherRows(weights.positionEmbedding.span, batch.positions, columns: shape.width, into: &update)
            shape.add(&hidden, update, bias: weights.segment, rows)
        }
        observe(0, hidden.span)
        for (index, block) in weights.blocks.enumerated() {
            shape.normalize(hidden, block.attentionNorm, rows, into: &normed)
            shape.project(normed, block, rows, into: &projections)
            rotary?.rotate(
                &projections, positions: batch.positions,
                heads: shape.attention.heads + shape.attention.keyValueHeads, stride: shape.attention.columns)
            shape.attend(projections, batch, block, &scores, &context, into: &update)
            shape.add(&hidden, update, bias: block.attentionOutput.bias, rows)
            shape.normalize(hidden, block.feedForwardNorm, rows, into: &normed)
            shape.feedForward(normed, block, rows, &inner, &gates, into: &update)
            shape.add(&hidden, update, bias: block.down.bias, rows)
            observe(index + 1, hidden.span)
        }
        shape.normalize(hidden, weights.norm, rows, into: &normed)
        swap(&hidden, &normed)
    }
}

/// The steps of a block over buffers that the caller owns. Biases of the two layers that end in a residual are left to it.
extension TransformerConfiguration {
    /// `hidden = layerNorm(hidden + update + bias)`.
    fileprivate func normalizeSum(
        _ hidden: inout [Float], adding update: [Float], bias: [Float], _ norm: Normalization, _ rows: Int
    ) {
        addLayerNorm(
            &hidden, update: update.span, bias: bias.span, gain: norm.gain.span, shift: norm.shift.span,
            epsilon: normEpsilon, rows: rows)
    }

    /// `hidden += update + bias`.
    fileprivate func add(_ hidden: inout [Float], _ update: [Float], bias: [Float], _ rows: Int) {
        addRows(&hidden, update: update.span, bias: bias.span, rows: rows)
    }

    /// `normed = norm(hidden)`.
    fileprivate func normalize(_ hidden: [Float], _ norm: Normalization, _ rows: Int, into normed: inout [Float]) {
        if family == .llama {
            rmsNorm(hidden.span, gain: norm.gain.span, epsilon: normEpsilon, rows: rows, into: &normed)
        } else {
            layerNorm(
                hidden.span, gain: norm.gain.span, shift: norm.shift.span, epsilon: normEpsilon, rows: rows,
                into: &normed)
        }
    }

    /// `projections = input W^T + b`.
    fileprivate func project(_ input: [Float], _ block: BlockWeights, _ rows: Int, into projections: inout [Float]) {
        fillRows(&projections, with: block.projections.bias.span, rows: rows)
        matmul(
            input.span, block.projections.weights.span, into: &projections, m: rows, n: attention.columns, k: width,
            transposeB: true, beta: 1)
    }

    /// `update = attention(projections) W^T`.
    fileprivate func attend(
        _ projections: [Float], _ batch: PackedBatch, _ block: BlockWeights, _ scores: inout [Float],
        _ context: inout [Float], into update: inout [Float]
    ) {
        selfAttention(
            projections.span, boundaries: batch.boundaries, shape: attention, scores: &scores, into: &context)
        matmul(
            context.span, block.attentionOutput.weights.span, into: &update, m: batch.tokens.count, n: width,
            k: attention.width, transposeB: true)
    }

    /// `update = activation(input U^T + b) D^T`.
    fileprivate func feedForward(
        _ input: [Float], _ block: BlockWeights, _ rows: Int, _ inner: inout [Float], _ gates: inout [Float],
        into update: inout [Float]
    ) {
        matmul(
            input.span, block.up.weights.span, into: &inner, m: rows, n: feedForwardWidth, k: width, transposeB: true)
        switch family {
        case .bert: addBiasGELU(&inner, bias: block.up.bias.span, rows: rows)
        case .gpt2: addBiasGELUTanh(&inner, bias: block.up.bias.span, rows: rows)
        case .llama:
            guard let gate = block.gate else { preconditionFailure("a block of this family is gated") }
            matmul(
                input.span, gate.weights.span, into: &gates, m: rows, n: feedForwardWidth, k: width, transposeB: true)
            gateSiLU(&inner, gate: gates.span, count: rows * feedForwardWidth)
        }
        matmul(
            inner.span, block.down.weights.span, into: &update, m: rows, n: width, k: feedForwardWidth,
            transposeB: true)
    }
}
