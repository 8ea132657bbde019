import Tensor

/// What one block computes, `[tokens, channels]` each. Where gradients are wanted each block has its own; otherwise all
/// blocks share one.
struct BlockActivations: Sendable {
    /// What enters the block; the next one's input is this one's output.
    let input: MatrixView
    /// What the projections read: the input, normalised where the family normalises first.
    let attentionInput: MatrixView
    /// Queries, keys and values, `[tokens, attention.columns]`.
    let projections: MatrixView
    /// The heads' weights, `[tokens, attention.weightColumns]`; nil: the way back computes them again.
    let attentionWeights: MatrixView?
    /// What the heads gathered, `[tokens, attention.width]`.
    let context: MatrixView
    /// Input and attention output.
    let attentionSum: MatrixView
    /// What the feed-forward layer reads: the sum, normalised.
    let feedForwardInput: MatrixView
    /// Inside the feed-forward layer, `[tokens, feedForwardWidth]`: the gates, where it is gated, and what is activated.
    let gates: MatrixView
    let up: MatrixView
    /// The same activated.
    let inner: MatrixView
    /// The residual and the feed-forward output, where that is normalised; otherwise the output.
    let feedForwardSum: MatrixView
    /// Means and deviations of the two normalisations, `[tokens, 2]`.
    let attentionStatistics: MatrixView
    let feedForwardStatistics: MatrixView
    let output: MatrixView

    /// Allocates those of a block.
    ///
    /// - Parameter weightColumns: of ``attentionWeights``; 0: none.
    init(_ transformer: Transformer, tokens: Int, weightColumns: Int = 0, input: MatrixView, output: MatrixView) {
        let shape = transformer.configuration
        func rows(_ columns: Int) -> MatrixView { MatrixView(rows: tokens, columns: columns) }
        (self.input, self.output) = (input, output)
        attentionInput = transformer.normalizesFirst ? rows(shape.width) : input
        projections = rows(shape.attention.columns)
        attentionWeights = weightColumns > 0 ? rows(weightColumns) : nil
        context = rows(shape.attention.width)
        attentionSum = rows(shape.width)
        feedForwardInput = rows(shape.width)
        gates = rows(shape.family == .llama ? shape.feedForwardWidth : 0)
        up = rows(shape.feedForwardWidth)
        inner = rows(shape.feedForwardWidth)
        feedForwardSum = transformer.normalizesFirst ? output : rows(shape.width)
        attentionStatistics = rows(2)
        feedForwardStatistics = rows(2)
    }
}

/// Rooms for what the last block reads after attention, `[tokens, channels]`, where it does not read every row.
struct RowSelection: Sendable {
    let context: MatrixView
    let input: MatrixView
    /// None where it is the input.
    let attentionInput: MatrixView
}

/// The rows of a block's activations that a batch uses: every token's up to attention, those that are read after it.
struct BlockRows: Sendable {
    let input: MatrixView
    let attentionInput: MatrixView
    let projections: MatrixView
    let attentionWeights: MatrixView?
    let context: MatrixView
    /// The context, the input and the attention layer's input of the rows that are read.
    let readContext: MatrixView
    let readInput: MatrixView
    let readAttentionInput: MatrixView
    let attentionSum: MatrixView
    let feedForwardInput: MatrixView
    let gates: MatrixView
    let up: MatrixView
    let inner: MatrixView
    let feedForwardSum: MatrixView
    let attentionStatistics: MatrixView
    let feedForwardStatistics: MatrixView
    let output: MatrixView
    /// Where each text's rows are, before and after attention.
    let boundaries: [Int]
    let readBoundaries: [Int]
    /// Whether only some rows are read.
    let isSelective: Bool

    /// - Parameter reading: rooms for the rows that are read, where those are not all.
    init(_ block: BlockActivations, _ batch: PackedBatch, reading: RowSelection?, normalizesFirst: Bool) {
        let all = 0..<batch.tokens.count
        let read = reading == nil ? all : 0..<batch.readRows.count
        input = block.input.rows(all)
        attentionInput = block.attentionInput.rows(all)
        projections = block.projections.rows(all)
        attentionWeights = block.attentionWeights?.rows(all)
        context = block.context.rows(all)
        readContext = reading?.context.rows(read) ?? context
        readInput = reading?.input.rows(read) ?? input
        // Where the residual is what is normalised, the attention layer reads the block's input.
        readAttentionInput =
            normalizesFirst ? reading?.attentionInput.rows(read) ?? attentionInput : readInput
        attentionSum = block.attentionSum.rows(read)
        feedForwardInput = block.feedForwardInput.rows(read)
        gates = block.gates.rows(read)
        up = block.up.rows(read)
        inner = block.inner.rows(read)
        feedForwardSum = block.feedForwardSum.rows(read)
        // A normalisation before attention sees every row, one after it those that are read.
        attentionStatistics = block.attentionStatistics.rows(normalizesFirst ? all : read)
        feedForwardStatistics = block.feedForwardStatistics.rows(read)
        output = block.output.rows(read)
        boundaries = batch.boundaries
        readBoundaries = reading == nil ? batch.boundaries : batch.readBoundaries
        isSelective = reading != nil
    }
}
