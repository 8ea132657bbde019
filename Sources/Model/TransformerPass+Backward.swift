public import Tensor

/// The gradients of one way back, `[tokens, channels]` each, used by every block.
struct PassGradients: Sendable {
    /// At the rows between blocks: every token's, and those that are read after the last block's attention.
    let hidden: MatrixView
    let readHidden: MatrixView
    /// At what a normalisation gave to a layer.
    let normed: MatrixView
    let readNormed: MatrixView
    let inner: MatrixView
    let gates: MatrixView
    let projections: MatrixView
    let context: MatrixView
    let readContext: MatrixView

    init(_ shape: TransformerConfiguration, tokens: Int) {
        func rows(_ columns: Int) -> MatrixView { MatrixView(rows: tokens, columns: columns) }
        (hidden, readHidden) = (rows(shape.width), rows(shape.width))
        (normed, readNormed) = (
            rows(shape.family == .bert ? 0 : shape.width), rows(shape.family == .bert ? 0 : shape.width)
        )
        inner = rows(shape.feedForwardWidth)
        gates = rows(shape.family == .llama ? shape.feedForwardWidth : 0)
        projections = rows(shape.attention.columns)
        (context, readContext) = (rows(shape.attention.width), rows(shape.attention.width))
    }
}

/// The way back through the activations, by hand: gradients reach the adapters' parameters and no weight of the base.
extension TransformerPass {
    /// Where the gradient at ``output`` is to be put before ``backward(_:)``.
    public var outputGradient: MatrixView {
        guard let gradients else { preconditionFailure("the pass was made without gradients") }
        let isSelective = live.last?.isSelective ?? false
        return (isSelective ? gradients.readHidden : gradients.hidden).rows(0..<blockOutput.rows)
    }

    /// The way back of the last run, down to the lowest site that adapters are attached to; nothing below is computed.
    ///
    /// ``outputGradient`` is overwritten.
    public func backward(_ adapters: some SiteAdapters) {
        guard let gradients else { preconditionFailure("the pass was made without gradients") }
        guard let lowest = saved.keys.filter({ $0.place != .pooled }).min() else { return }
        var gradient = outputGradient
        if transformer.normalizesFirst {
            transformer.normalizeGradient(
                gradient, x: blockOutput, transformer.weights.norm, statistics: statistics(rows: gradient.rows),
                into: gradient,
                adding: false)
        }
        for (index, rows) in zip(firstBlock..., live).reversed() {
            let step = BlockBackward(
                pass: self, gradients: gradients, rows: rows, index: index,
                stop: lowest.block == index && lowest.place != .embeddings ? lowest.place : nil)
            guard let next = step.run(gradient, adapters) else { return }
            gradient = next
        }
        if embedded.columns > 0 {
            let all = 0..<gradient.rows
            transformer.normalizeGradient(
                gradient, x: embedded.rows(all), transformer.weights.norm, statistics: statistics(rows: gradient.rows),
                into: gradient, adding: false)
        }
        // A run from between two blocks has applied the adapters there.
        let site = lowest.place == .embeddings ? lowest : Site(.block, block: firstBlock - 1)
        if let room = saved[site] {
            adapters.backward(
                site,
                SiteRows(
                    input: gradient, output: gradient, saved: room.rows(0..<gradient.rows),
                    boundaries: batch.boundaries),
                dx: nil)
        }
    }
}

/// The way back through one block.
private struct BlockBackward {
    let pass: TransformerPass
    let gradients: PassGradients
    let rows: BlockRows
    let index: Int
    /// The lowest place that is needed; nil: all of the block.
    let stop: Site.Place?

    private var transformer: Transformer { pass.transformer }
    private var block: BlockWeights { transformer.weights.blocks[index] }
    private var normalizesFirst: Bool { transformer.normalizesFirst }

    /// The gradient at the block's input, or nil where nothing below is needed.
    ///
    /// - Parameter gradient: at the block's output; overwritten.
    func run(_ gradient: MatrixView, _ adapters: some SiteAdapters) -> MatrixView? {
        adapt(.block, rows.output, gradient, nil, adapters)
        guard stop != .block, feedForward(gradient, adapters), attention(gradient, adapters) else { return nil }
        let all = 0..<rows.input.rows
        var below = gradient
        let context = gradients.context.rows(all)
        if rows.isSelective {
            below = gradients.hidden.rows(all)
            below.fill(0)
            context.fill(0)
            addRows(gradient, to: below, at: pass.batch.readRows)
            addRows(gradients.readContext.rows(0..<gradient.rows), to: context, at: pass.batch.readRows)
            if normalizesFirst, isAttached(.attention) {
                gradients.normed.rows(all).fill(0)
                addRows(
                    gradients.readNormed.rows(0..<gradient.rows), to: gradients.normed.rows(all),
                    at: pass.batch.readRows)
            }
        }
        return projections(context: context, below, adapters) ? below : nil
    }

    /// Lets the adapters of a site turn the gradient at its output into the one before them.
    ///
    /// - Parameter input: what the site's layer read; where `dx` is nil nothing flows there.
    private func adapt(
        _ place: Site.Place, _ input: MatrixView, _ dy: MatrixView, _ dx: MatrixView?, _ adapters: some SiteAdapters
    ) {
        let site = Site(place, block: index)
        guard let room = pass.saved[site] else { return }
        let isBefore = place <= .value
        adapters.backward(
            site,
            SiteRows(
                input: input, output: dy, saved: room.rows(0..<dy.rows),
                boundaries: isBefore ? rows.boundaries : rows.readBoundaries),
            dx: stop == place || isLowestStage(place) ? nil : dx)
    }

    /// Whether a site shares its input with the lowest one, so that nothing below either is needed.
    private func isLowestStage(_ place: Site.Place) -> Bool {
        switch stop {
        case .query, .key, .value: place <= .value
        case .gate, .up: place == .gate || place == .up
        default: false
        }
    }

    private func isAttached(_ place: Site.Place) -> Bool { pass.saved[Site(place, block: index)] != nil }

    /// From the block's output to what the feed-forward layer read and the residual beside it; false where nothing below is
    /// needed.
    private func feedForward(_ gradient: MatrixView, _ adapters: some SiteAdapters) -> Bool {
        let read = 0..<gradient.rows
        if !normalizesFirst {
            transformer.normalizeGradient(
                gradient, x: rows.feedForwardSum, block.feedForwardNorm, statistics: rows.feedForwardStatistics,
                into: gradient, adding: false)
        }
        // What the layer read: itself the residual, or normalised from it.
        let below = normalizesFirst ? gradients.normed.rows(read) : gradient
        var output = gradient
        if isAttached(.feedForward) {
            output = pass.update.rows(read)
            output.copy(gradient)
            if normalizesFirst { below.fill(0) }
            adapt(.feedForward, rows.feedForwardInput, output, below, adapters)
            if stop == .feedForward { return false }
        }
        let (inner, gates) = (gradients.inner.rows(read), gradients.gates.rows(read))
        if stop != .down { block.down.backward(output, into: inner, adding: false) }
        adapt(.down, rows.inner, output, inner, adapters)
        if stop == .down { return false }
        transformer.activateGradient(inner, gates: gates, rows)
        let isLast = stop == .up || stop == .gate
        if !isLast {
            block.up.backward(inner, into: below, adding: !normalizesFirst || isAttached(.feedForward))
            block.gate?.backward(gates, into: below, adding: true)
        }
        adapt(.up, rows.feedForwardInput, inner, below, adapters)
        adapt(.gate, rows.feedForwardInput, gates, below, adapters)
        if isLast { return false }
        if normalizesFirst {
            transformer.normalizeGradient(
                below, x: rows.attentionSum, block.feedForwardNorm, statistics: rows.feedForwardStatistics,
                into: gradient, adding: true)
        } else {
            transformer.normalizeGradient(
                gradient, x: rows.attentionSum, block.attentionNorm, statistics: rows.attentionStatistics,
                into: gradient, adding: false)
        }
        return true
    }

    /// From there to what the heads gathered; the residual's gradient stays in `gradient`.
    private func attention(_ gradient: MatrixView, _ adapters: some SiteAdapters) -> Bool {
        let read = 0..<gradient.rows
        var output = gradient
        if isAttached(.attention) {
            output = pass.update.rows(read)
            output.copy(gradient)
            let normed = rows.isSelective ? gradients.readNormed : gradients.normed
            let below = normalizesFirst ? normed.rows(read) : gradient
            if normalizesFirst { below.fill(0) }
            adapt(.attention, rows.readAttentionInput, output, below, adapters)
            if stop == .attention { return false }
        }
        let context = (rows.isSelective ? gradients.readContext : gradients.context).rows(read)
        if stop != .attentionProjection { block.attentionOutput.backward(output, into: context, adding: false) }
        adapt(.attentionProjection, rows.readContext, output, context, adapters)
        return stop != .attentionProjection
    }

    /// From there to the block's input.
    private func projections(context: MatrixView, _ gradient: MatrixView, _ adapters: some SiteAdapters) -> Bool {
        let all = 0..<rows.input.rows
        let projections = gradients.projections.rows(all)
        selfAttentionGradient(
            context, projections: rows.projections, boundaries: rows.boundaries, shape: pass.shape.attention,
            scratch: pass.scratch, weights: rows.attentionWeights, into: projections)
        transformer.rotary?.rotate(
            projections, positions: pass.batch.positions,
            heads: pass.shape.attention.heads + pass.shape.attention.keyValueHeads, inverse: true)
        let below = normalizesFirst ? gradients.normed.rows(all) : gradient
        let isLast = stop.map { $0 <= .value } ?? false
        if !isLast {
            block.projections.backward(projections, into: below, adding: !normalizesFirst || isAttached(.attention))
        }
        for (place, columns) in transformer.projectionColumns {
            adapt(place, rows.attentionInput, projections.columns(columns), below, adapters)
        }
        if isLast { return false }
        if normalizesFirst {
            transformer.normalizeGradient(
                below, x: rows.input, block.attentionNorm, statistics: rows.attentionStatistics, into: gradient,
                adding: true)
        }
        return true
    }
}
