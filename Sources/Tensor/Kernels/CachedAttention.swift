/// Multi-head attention of new tokens over a sequence whose keys and values are kept: what
/// ``selfAttention(_:boundaries:shape:scratch:into:)`` gives for the last tokens of a causal sequence, without its others.
///
/// - Parameters:
///   - queries: `[new tokens, at least shape.width]`: the queries of each first, as in the projections.
///   - keys: `[tokens, shape.keyValueWidth]` of the whole sequence; the last are the new tokens'.
///   - values: `[tokens, shape.keyValueWidth]`, as the keys.
///   - shape: causal.
///   - scratch: `[1, n]`, n at least ``AttentionShape/scratchCount(longest:)`` of the sequence; overwritten.
///   - context: `[new tokens, shape.width]`, overwritten.
public func cachedAttention(
    _ queries: MatrixView, keys: MatrixView, values: MatrixView, shape: AttentionShape, scratch: MatrixView,
    into context: MatrixView
) {
    keys.requireShape(of: values)
    precondition(
        shape.isCausal && queries.columns >= shape.width && context.columns == shape.width
            && context.rows == queries.rows && keys.columns == shape.keyValueWidth && keys.rows >= queries.rows,
        "attention of [\(queries.rows), \(queries.columns)] over [\(keys.rows), \(keys.columns)]")
    precondition(
        scratch.columns >= AttentionShape.scratchCount(longest: keys.rows),
        "scratch of \(scratch.columns) for a sequence of \(keys.rows)")
    let scale = 1 / Float(shape.headWidth).squareRoot()
    let sharing = shape.heads / shape.keyValueHeads
    for row in 0..<queries.rows {
        // A token sees those before it and itself.
        let seen = keys.rows - queries.rows + row + 1
        let padded = MatrixView(
            scratch.buffer, offset: scratch.offset, rows: 1, columns: AttentionShape.paddedScores(seen))
        let weights = padded.columns(0..<seen)
        for head in 0..<shape.heads {
            let own = head * shape.headWidth..<(head + 1) * shape.headWidth
            let shared = head / sharing * shape.headWidth..<(head / sharing + 1) * shape.headWidth
            matmul(
                queries.rows(row..<row + 1).columns(own), keys.rows(0..<seen).columns(shared), into: weights,
                transposeB: true, alpha: scale)
            softmaxRows(padded, columns: seen)
            matmul(
                weights, values.rows(0..<seen).columns(shared), into: context.rows(row..<row + 1).columns(own))
        }
    }
}
