/// The heads of an attention layer and what each token may attend to.
public struct AttentionShape: Sendable, Equatable {
    /// Heads of queries.
    public let heads: Int
    /// Heads of keys and values, a divisor of `heads`: consecutive queries share one (Ainslie et al. 2023).
    public let keyValueHeads: Int
    /// Channels of a head.
    public let headWidth: Int
    /// Whether a token attends to itself and those before it only.
    public let isCausal: Bool

    /// Makes a shape.
    public init(heads: Int, keyValueHeads: Int, headWidth: Int, isCausal: Bool) {
        precondition(keyValueHeads > 0 && heads % keyValueHeads == 0, "\(heads) heads over \(keyValueHeads)")
        (self.heads, self.keyValueHeads, self.headWidth, self.isCausal) = (heads, keyValueHeads, headWidth, isCausal)
    }

    /// Channels of all queries, and of what attention gives.
    public var width: Int { heads * headWidth }
    /// Channels of all keys, and of all values.
    public var keyValueWidth: Int { keyValueHeads * headWidth }
    /// Channels of a token's queries, keys and values side by side.
    public var columns: Int { width + 2 * keyValueWidth }

    /// Floats that the scratch of ``selfAttention(_:boundaries:shape:scratch:weights:into:)`` and of its gradient must have.
    ///
    /// - Parameter longest: tokens of the longest sequence.
    public static func scratchCount(longest: Int) -> Int { 2 * longest * paddedScores(longest) }

    /// Columns of the matrix in which ``selfAttention(_:boundaries:shape:scratch:weights:into:)`` keeps all heads' weights.
    ///
    /// - Parameter longest: tokens of the longest sequence.
    public func weightColumns(longest: Int) -> Int { heads * Self.paddedScores(longest) }

    /// Columns of the scores of a sequence: whole vectors, so that a row has no remainder.
    static func paddedScores(_ tokens: Int) -> Int { (tokens + 15) / 16 * 16 }
}

/// Multi-head self-attention inside each sequence of a packed batch (Vaswani et al. 2017, equation 1):
/// `softmax(Q K^T / sqrt(headWidth)) V` per head, no token of another sequence.
///
/// - Parameters:
///   - projections: `[tokens, shape.columns]`: queries, keys and values of each token side by side; the heads are
///     consecutive slices inside each.
///   - boundaries: `[sequences + 1]`, ascending from 0: sequence s is the tokens `boundaries[s]..<boundaries[s + 1]`.
///   - scratch: `[1, n]`, n at least ``AttentionShape/scratchCount(longest:)``; overwritten.
///   - weights: `[tokens, shape.weightColumns(longest)]`, overwritten: what the softmax gives, for the way back; nil: it is
///     not kept.
///   - context: `[tokens, shape.width]`, overwritten.
public func selfAttention(
    _ projections: MatrixView, boundaries: [Int], shape: AttentionShape, scratch: MatrixView,
    weights: MatrixView? = nil, into context: MatrixView
) {
    forEachHead(projections, context, boundaries, shape, scratch, weights) { head in
        head.weigh()
        matmul(head.weights, head.values, into: head.ofQueries(context))
    }
}

/// The gradient of ``selfAttention(_:boundaries:shape:scratch:weights:into:)`` at the projections.
///
/// The weights `P = softmax(Q K^T / sqrt(w))` are those that were kept, or computed again, head by head. Then
/// `dV = P^T dO`, `dP = dO V^T`, `dS = P (dP - rowsum(dP P))`, `dQ = dS K / sqrt(w)` and `dK = dS^T Q / sqrt(w)`; what the
/// query heads that share a key head give to it and its values adds up.
///
/// - Parameters:
///   - dcontext: `[tokens, shape.width]`.
///   - projections: `[tokens, shape.columns]`, what the way forward read.
///   - boundaries: `[sequences + 1]`, ascending from 0.
///   - scratch: `[1, n]`, n at least ``AttentionShape/scratchCount(longest:)``; overwritten.
///   - weights: as the way forward left them; nil: they were not kept.
///   - dprojections: `[tokens, shape.columns]`, overwritten; not the projections.
public func selfAttentionGradient(
    _ dcontext: MatrixView, projections: MatrixView, boundaries: [Int], shape: AttentionShape, scratch: MatrixView,
    weights: MatrixView? = nil, into dprojections: MatrixView
) {
    dprojections.requireShape(of: projections)
    forEachHead(projections, dcontext, boundaries, shape, scratch, weights) { head in
        if weights == nil { head.weigh() }
        let weights = head.weights
        let gradient = head.ofQueries(dcontext)
        let beta: Float = head.isFirstOfItsKeys ? 0 : 1
        matmul(weights, gradient, into: head.ofValues(dprojections), transposeA: true, beta: beta)
        let dscores = head.padded(1).columns(0..<head.tokens.count)
        matmul(gradient, head.values, into: dscores, transposeB: true)
        softmaxGradient(head.padded(1), y: head.paddedWeights)
        matmul(dscores, head.keys, into: head.ofQueries(dprojections), alpha: head.scale)
        matmul(dscores, head.queries, into: head.ofKeys(dprojections), transposeA: true, alpha: head.scale, beta: beta)
    }
}

/// One head of one sequence: its slices of the packed rows, so that nothing is copied.
private struct AttentionHead {
    let projections: MatrixView
    let scratch: MatrixView
    let kept: MatrixView?
    let tokens: Range<Int>
    let head: Int
    let shape: AttentionShape

    /// Its slice of a matrix that begins with the channels of all queries.
    func ofQueries(_ x: MatrixView) -> MatrixView { slice(x, at: head * shape.headWidth) }
    /// Its slice of a matrix like the projections.
    func ofKeys(_ x: MatrixView) -> MatrixView { slice(x, at: shape.width + keyHead * shape.headWidth) }
    /// Its slice of a matrix like the projections.
    func ofValues(_ x: MatrixView) -> MatrixView {
        slice(x, at: shape.width + shape.keyValueWidth + keyHead * shape.headWidth)
    }

    var queries: MatrixView { ofQueries(projections) }
    var keys: MatrixView { ofKeys(projections) }
    var values: MatrixView { ofValues(projections) }
    var scale: Float { 1 / Float(shape.headWidth).squareRoot() }
    /// Whether no head before it shares its keys.
    var isFirstOfItsKeys: Bool { head % (shape.heads / shape.keyValueHeads) == 0 }

    private var keyHead: Int { head / (shape.heads / shape.keyValueHeads) }

    private func slice(_ x: MatrixView, at column: Int) -> MatrixView {
        x.rows(tokens).columns(column..<column + shape.headWidth)
    }

    /// One of the two matrices of the scratch, `[tokens, padded]`, the padding zero.
    func padded(_ index: Int) -> MatrixView {
        let (rows, columns) = (tokens.count, AttentionShape.paddedScores(tokens.count))
        return MatrixView(
            scratch.buffer, offset: scratch.offset + index * rows * columns, rows: rows, columns: columns)
    }

    /// Its weights among those that are kept, or else the first matrix of the scratch: `[tokens, padded]`, the padding zero.
    var paddedWeights: MatrixView {
        guard let kept else { return padded(0) }
        let first = head * (kept.columns / shape.heads)
        return kept.rows(tokens).columns(first..<first + AttentionShape.paddedScores(tokens.count))
    }

    /// `softmax(Q K^T / sqrt(headWidth))` in ``weights``.
    func weigh() {
        matmul(queries, keys, into: weights, transposeB: true, alpha: scale)
        softmaxRows(paddedWeights, columns: tokens.count, isCausal: shape.isCausal)
    }

    /// `[tokens, tokens]`: what ``weigh()`` left.
    var weights: MatrixView { paddedWeights.columns(0..<tokens.count) }
}

@inline(__always)
private func forEachHead(
    _ projections: MatrixView, _ context: MatrixView, _ boundaries: [Int], _ shape: AttentionShape,
    _ scratch: MatrixView, _ kept: MatrixView?, _ body: (AttentionHead) -> Void
) {
    precondition(
        projections.columns == shape.columns && context.columns == shape.width && context.rows == projections.rows,
        "attention over [\(projections.rows), \(projections.columns)] and [\(context.rows), \(context.columns)]")
    let longest = longestSequence(boundaries, rows: projections.rows)
    precondition(
        scratch.rows == 1 && scratch.columns >= AttentionShape.scratchCount(longest: longest),
        "scratch of \(scratch.columns) for a sequence of \(longest)")
    if let kept {
        precondition(
            kept.rows == projections.rows && kept.columns >= shape.weightColumns(longest: longest)
                && kept.columns % shape.heads == 0,
            "room of [\(kept.rows), \(kept.columns)] for the weights of a sequence of \(longest)")
    }
    for (start, end) in zip(boundaries, boundaries.dropFirst()) where end > start {
        let used = AttentionShape.scratchCount(longest: end - start)
        scratch.columns(0..<used).fill(0)
        for head in 0..<shape.heads {
            body(
                AttentionHead(
                    projections: projections, scratch: scratch, kept: kept, tokens: start..<end, head: head,
                    shape: shape))
        }
    }
}
