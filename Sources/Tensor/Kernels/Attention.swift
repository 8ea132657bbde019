import COpenBLAS

/// Multi-head self-attention inside each sequence of a packed batch (Vaswani et al. 2017, equation 1):
/// `softmax(Q K^T / sqrt(headWidth)) V` per head, no mask, no token of another sequence.
///
/// - Parameters:
///   - projections: `[tokens, 3 * width]`: queries, keys and values of each token side by side; the heads are
///     consecutive slices of `width / heads` inside each.
///   - boundaries: `[sequences + 1]`, ascending from 0: sequence s is the tokens `boundaries[s]..<boundaries[s + 1]`.
///   - heads: a divisor of `width`.
///   - scores: scratch of at least the square of the longest sequence.
///   - context: `[tokens, width]`, overwritten.
public func selfAttention(
    _ projections: Span<Float>, boundaries: [Int], heads: Int, width: Int,
    scores: inout [Float], into context: inout [Float]
) {
    let tokens = boundaries.last ?? 0
    let longest = zip(boundaries, boundaries.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) }
    precondition(width % heads == 0, "\(heads) heads do not divide \(width)")
    precondition(
        projections.count >= tokens * 3 * width && context.count >= tokens * width && scores.count >= longest * longest,
        "attention over \(tokens) tokens, the longest sequence \(longest)")
    unsafe projections.withUnsafeBufferPointer { projections in
        unsafe scores.withUnsafeMutableBufferPointer { scores in
            unsafe context.withUnsafeMutableBufferPointer { context in
                guard let projections = projections.baseAddress, let scores = scores.baseAddress,
                    let context = context.baseAddress
                else { return }
                for (start, end) in zip(boundaries, boundaries.dropFirst()) where end > start {
                    for head in 0..<heads {
                        let column = head * (width / heads)
                        unsafe attendHead(
                            projections + start * 3 * width + column, into: context + start * width + column,
                            scores: scores, tokens: end - start, width: width, headWidth: width / heads)
                    }
                }
            }
        }
    }
}

/// One head of one sequence: two products over strided views of the packed rows, so that nothing is copied.
@inline(__always)
private func attendHead(
    _ queries: UnsafePointer<Float>, into context: UnsafeMutablePointer<Float>,
    scores: UnsafeMutablePointer<Float>, tokens: Int, width: Int, headWidth: Int
) {
    let (count, stride) = (Int32(tokens), Int32(3 * width))
    unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, count, count, Int32(headWidth), 1 / Float(headWidth).squareRoot(),
        queries, stride, queries + width, stride, 0, scores, count)
    for row in 0..<tokens { unsafe softmax(scores + row * tokens, count: tokens) }
    unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, count, Int32(headWidth), count, 1, scores, count,
        queries + 2 * width, stride, 0, context, Int32(width))
}
