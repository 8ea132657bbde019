public import Tensor

/// The buffers of one forward pass and of the way back, allocated once for the largest batch.
///
/// One thread at a time: its buffers are shared by copies of it.
public struct TransformerPass: Sendable {
    /// What it runs.
    public let transformer: Transformer
    /// Tokens a batch may have.
    public let tokens: Int

    let shape: TransformerConfiguration
    /// One a block from the lowest site on, where gradients are wanted.
    private let kept: [BlockActivations]
    /// What the blocks before share.
    private let shared: BlockActivations
    /// What is added to the residual next, `[tokens, width]`; on the way back a copy of its gradient.
    let update: MatrixView
    /// Rows after the last block of a family that normalises first, normalised, and their statistics.
    private let normed: MatrixView
    private let statistics: MatrixView
    /// What the last block reads of its context and of its input, where it does not read all.
    private let selection: RowSelection
    /// The sum of embeddings before a family's normalisation of it, where the way back reaches that far.
    let embedded: MatrixView
    /// Scores of one head of one sequence.
    let scratch: MatrixView
    /// The adapters' own room at each site.
    let saved: [Site: MatrixView]
    /// The gradients; nil where none are wanted.
    let gradients: PassGradients?
    /// Whether ``backward(_:)`` may follow a run.
    public var hasGradients: Bool { gradients != nil }

    /// What the last run did, block by block.
    private(set) var live: [BlockRows] = []
    /// The block that ``live`` begins with.
    private(set) var firstBlock = 0
    private(set) var batch = PackedBatch()
    /// What the text of a run goes on from; nil where texts begin.
    var cache: DecoderCache?

    /// Allocates the buffers.
    ///
    /// - Parameters:
    ///   - tokens: of the largest batch.
    ///   - longest: tokens of the longest sequence.
    ///   - sites: those in use, with the columns their adapters keep (``SiteAdapters/savedColumns``).
    ///   - gradients: whether ``backward(_:)`` is to follow: every block from the lowest site on then has buffers of its own.
    public init(
        _ transformer: Transformer, tokens: Int, longest: Int, sites: [Site: Int] = [:], gradients: Bool = false
    ) {
        (self.transformer, self.tokens, shape) = (transformer, tokens, transformer.configuration)
        let shape = shape
        func rows(_ columns: Int) -> MatrixView { MatrixView(rows: tokens, columns: columns) }
        // The rows between blocks are one buffer where no way back needs those before.
        let first = rows(shape.width)
        shared = BlockActivations(transformer, tokens: tokens, input: first, output: first)
        // Attention's weights take room by the square of a text's tokens: what is more than the feed-forward layer's is not
        // worth the time of computing them again.
        let weightColumns = shape.attention.weightColumns(longest: longest)
        var (kept, input): ([BlockActivations], MatrixView) = ([], first)
        for _ in (gradients ? sites.keys.map(\.block).min() ?? shape.blocks : shape.blocks)..<shape.blocks {
            let output = rows(shape.width)
            kept.append(
                BlockActivations(
                    transformer, tokens: tokens,
                    weightColumns: weightColumns <= shape.feedForwardWidth ? weightColumns : 0, input: input,
                    output: output))
            input = output
        }
        self.kept = kept
        update = rows(shape.width)
        normed = rows(transformer.normalizesFirst ? shape.width : 0)
        statistics = rows(2)
        selection = RowSelection(
            context: rows(shape.attention.width), input: rows(shape.width),
            attentionInput: rows(transformer.normalizesFirst ? shape.width : 0))
        embedded = rows(
            transformer.normalizesFirst || sites[Site(.embeddings, block: 0)] == nil ? 0 : shape.width)
        scratch = MatrixView(rows: 1, columns: AttentionShape.scratchCount(longest: longest))
        saved = sites.mapValues(rows)
        self.gradients = gradients ? PassGradients(shape, tokens: tokens) : nil
    }

    /// The buffers of a block.
    func activations(of block: Int) -> BlockActivations {
        let first = shape.blocks - kept.count
        return block < first ? shared : kept[block - first]
    }

    /// Where the rows of a cut are to be put before a run from it, or lie after a run to it: one or two matrices.
    public func rows(at cut: Cut, count: Int) -> [MatrixView] {
        switch cut {
        case .tokens: []
        case .block(let index):
            [
                (index < shape.blocks ? activations(of: index).input : activations(of: index - 1).output)
                    .rows(0..<count)
            ]
        case .feedForward(let index): [residual(of: index).rows(0..<count), update.rows(0..<count)]
        }
    }

    /// What the feed-forward output of a block joins.
    private func residual(of block: Int) -> MatrixView {
        let activations = activations(of: block)
        return transformer.normalizesFirst ? activations.attentionSum : activations.feedForwardInput
    }

    /// Runs the transformer.
    ///
    /// - Parameters:
    ///   - batch: sequences, together at most ``tokens``.
    ///   - adapters: at the sites that the pass was made for, or fewer.
    ///   - start: what ``rows(at:count:)`` were filled in before.
    ///   - end: where to stop; the rows are then at ``rows(at:count:)``.
    ///   - observe: is lent the rows after the embeddings (0) and after each block (1, 2, …).
    public mutating func run(
        _ batch: PackedBatch, _ adapters: some SiteAdapters, from start: Cut = .tokens, to end: Cut? = nil,
        observe: (Int, MatrixView) -> Void = { _, _ in }
    ) {
        precondition(batch.tokens.count <= tokens, "\(batch.tokens.count) tokens in a pass of \(tokens)")
        self.batch = batch
        live.removeAll(keepingCapacity: true)
        if start == .tokens { embed(adapters, observe) }
        if end == start { return }
        let end = end ?? .block(shape.blocks)
        firstBlock = start.block
        if firstBlock > 0, case .block = start {
            let rows = rows(at: start, count: batch.tokens.count)[0]
            let site = Site(.block, block: firstBlock - 1)
            attach(site, input: rows, output: rows, batch.boundaries, adapters)
        }
        for index in firstBlock..<shape.blocks {
            if end == .block(index) { return }
            live.append(
                BlockRows(
                    activations(of: index), batch,
                    reading: index == shape.blocks - 1 && !batch.readsAll ? selection : nil,
                    normalizesFirst: transformer.normalizesFirst))
            if start != .feedForward(index) {
                attend(index, adapters)
                feedForward(index, adapters)
            }
            if end == .feedForward(index) { return }
            finish(index, adapters)
            observe(index + 1, live[live.count - 1].output)
        }
        if transformer.normalizesFirst, end == .block(shape.blocks) {
            let rows = blockOutput
            transformer.normalize(
                rows, transformer.weights.norm, into: normed.rows(0..<rows.rows),
                statistics: statistics.rows(0..<rows.rows))
        }
    }

    /// The rows that the last block passed on, `[rows read, width]`.
    var blockOutput: MatrixView {
        live.last?.output ?? rows(at: .block(shape.blocks), count: batch.tokens.count)[0]
    }

    /// The transformer's output after a run to the end, `[rows read, width]`.
    public var output: MatrixView {
        transformer.normalizesFirst ? normed.rows(0..<blockOutput.rows) : blockOutput
    }

    /// Where each sequence's rows of ``output`` are.
    public var outputBoundaries: [Int] { live.last?.readBoundaries ?? batch.boundaries }

    /// What the way back over the last normalisation needs, or over that of the embeddings where the last is a block's.
    func statistics(rows: Int) -> MatrixView { statistics.rows(0..<rows) }

    private func embed(_ adapters: some SiteAdapters, _ observe: (Int, MatrixView) -> Void) {
        let all = 0..<batch.tokens.count
        let (weights, hidden) = (transformer.weights, activations(of: 0).input.rows(all))
        gatherRows(weights.tokenEmbedding.span, batch.tokens, into: hidden)
        attach(Site(.embeddings, block: 0), input: hidden, output: hidden, batch.boundaries, adapters)
        if transformer.rotary == nil {
            let positions = update.rows(all)
            gatherRows(weights.positionEmbedding.span, batch.positions, into: positions)
            add(positions, to: hidden)
        }
        if !transformer.normalizesFirst {
            fillRows(update.rows(all), with: weights.segment.span)
            add(update.rows(all), to: hidden)
            if embedded.columns > 0 { embedded.rows(all).copy(hidden) }
            transformer.normalize(hidden, weights.norm, into: hidden, statistics: statistics.rows(all))
        }
        observe(0, hidden)
    }

    /// Lets the adapters of a site change its output.
    func attach(
        _ site: Site, input: MatrixView, output: MatrixView, _ boundaries: [Int], _ adapters: some SiteAdapters
    ) {
        guard let room = saved[site] else { return }
        adapters.forward(
            site,
            SiteRows(input: input, output: output, saved: room.rows(0..<output.rows), boundaries: boundaries))
    }

    /// From a block's input to ``BlockRows/feedForwardInput``.
    private func attend(_ index: Int, _ adapters: some SiteAdapters) {
        let (block, rows) = (transformer.weights.blocks[index], live[live.count - 1])
        if transformer.normalizesFirst {
            transformer.normalize(
                rows.input, block.attentionNorm, into: rows.attentionInput, statistics: rows.attentionStatistics)
        }
        block.projections.forward(rows.attentionInput, into: rows.projections)
        for (place, columns) in transformer.projectionColumns {
            attach(
                Site(place, block: index), input: rows.attentionInput, output: rows.projections.columns(columns),
                rows.boundaries, adapters)
        }
        transformer.rotary?.rotate(
            rows.projections, positions: batch.positions,
            heads: shape.attention.heads + shape.attention.keyValueHeads)
        cache?.keep(rows.projections, of: index, shape.attention)
        if let cache, cache.count > 0 {
            let (keys, values) = cache.rows(of: index, added: rows.projections.rows)
            cachedAttention(
                rows.projections, keys: keys, values: values, shape: shape.attention, scratch: scratch,
                into: rows.context)
        } else {
            selfAttention(
                rows.projections, boundaries: rows.boundaries, shape: shape.attention, scratch: scratch,
                weights: rows.attentionWeights, into: rows.context)
        }
        if rows.isSelective {
            gatherRows(rows.context, batch.readRows, into: rows.readContext)
            gatherRows(rows.input, batch.readRows, into: rows.readInput)
            if transformer.normalizesFirst {
                gatherRows(rows.attentionInput, batch.readRows, into: rows.readAttentionInput)
            }
        }
        let update = update.rows(0..<rows.attentionSum.rows)
        block.attentionOutput.forward(rows.readContext, into: update)
        attach(
            Site(.attentionProjection, block: index), input: rows.readContext, output: update, rows.readBoundaries,
            adapters)
        attach(
            Site(.attention, block: index), input: rows.readAttentionInput, output: update, rows.readBoundaries,
            adapters)
        sum(rows.readInput, update, into: rows.attentionSum)
        if transformer.normalizesFirst {
            transformer.normalize(
                rows.attentionSum, block.feedForwardNorm, into: rows.feedForwardInput,
                statistics: rows.feedForwardStatistics)
        } else {
            transformer.normalize(
                rows.attentionSum, block.attentionNorm, into: rows.feedForwardInput,
                statistics: rows.attentionStatistics)
        }
    }

    /// From there to the feed-forward layer's output, in ``update``.
    private func feedForward(_ index: Int, _ adapters: some SiteAdapters) {
        let (block, rows) = (transformer.weights.blocks[index], live[live.count - 1])
        let update = update.rows(0..<rows.output.rows)
        func attach(_ place: Site.Place, _ input: MatrixView, _ output: MatrixView) {
            self.attach(Site(place, block: index), input: input, output: output, rows.readBoundaries, adapters)
        }
        if let gate = block.gate {
            gate.forward(rows.feedForwardInput, into: rows.gates)
            attach(.gate, rows.feedForwardInput, rows.gates)
        }
        block.up.forward(rows.feedForwardInput, into: rows.up)
        attach(.up, rows.feedForwardInput, rows.up)
        transformer.activate(rows)
        block.down.forward(rows.inner, into: update)
        attach(.down, rows.inner, update)
    }

    /// From there to the block's output.
    private func finish(_ index: Int, _ adapters: some SiteAdapters) {
        let (block, rows) = (transformer.weights.blocks[index], live[live.count - 1])
        let update = update.rows(0..<rows.output.rows)
        attach(
            Site(.feedForward, block: index), input: rows.feedForwardInput, output: update, rows.readBoundaries,
            adapters)
        if transformer.normalizesFirst {
            sum(rows.attentionSum, update, into: rows.output)
        } else {
            sum(rows.feedForwardInput, update, into: rows.feedForwardSum)
            transformer.normalize(
                rows.feedForwardSum, block.feedForwardNorm, into: rows.output,
                statistics: rows.feedForwardStatistics)
        }
        attach(Site(.block, block: index), input: rows.output, output: rows.output, rows.readBoundaries, adapters)
    }
}

extension Cut {
    /// The block that runs first after it.
    fileprivate var block: Int {
        switch self {
        case .tokens: 0
        case .block(let index), .feedForward(let index): index
        }
    }
}
