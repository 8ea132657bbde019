import COpenBLAS

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
}

/// Multi-head self-attention inside each sequence of a packed batch (Vaswani et al. 2017, equation 1):
/// `softmax(Q K^T / sqrt(headWidth)) V` per head, no token of another sequence.
///
/// - Parameters:
///   - projections: `[tokens, shape.columns]`: queries, keys and values of each token side by side; the heads are
///     consecutive slices inside each.
///   - boundaries: `[sequences + 1]`, ascending from 0: sequence s is the tokens `boundaries[s]..<boundaries[s + 1]`.
///   - scores: scratch of at least the square of the longest sequence.
///   - context: `[tokens, shape.width]`, overwritten.
public func selfAttention(
    _ projections: Span<Float>, boundaries: [Int], shape: AttentionShape, scores: inout [Float],
    into context: inout [Float]
) {
    let tokens = boundaries.last ?? 0
    let longest = zip(boundaries, boundaries.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) }
    precondition(
        projections.count >= tokens * shape.columns && context.count >= tokens * shape.width
            && scores.count >= longest * longest,
        "attention over \(tokens) tokens, the longest sequence \(longest)")
    unsafe projections.withUnsafeBufferPointer { projections in
        unsafe scores.withUnsafeMutableBufferPointer { scores in
            unsafe context.withUnsafeMutableBufferPointer { context in
                guard let projections = projections.baseAddress, let scores = scores.baseAddress,
                    let context = context.baseAddress
                else { return }
                for (start, end) in zip(boundaries, boundaries.dropFirst()) where end > start {
                    for head in 0..<shape.heads {
                        let keyHead = head / (shape.heads / shape.keyValueHeads)
                        let row = unsafe projections + start * shape.columns
                        unsafe attendHead(
                            queries: row + head * shape.headWidth, keys: row + shape.width + keyHead * shape.headWidth,
                            into: context + start * shape.width + head * shape.headWidth, scores: scores,
                            tokens: end - start, shape)
                    }
                }
            }
        }
    }
}

/// One head of one sequence: two products over strided views of the packed rows, so that nothing is copied.
@inline(__always)
private func attendHead(
    queries: UnsafePointer<Float>, keys: UnsafePointer<Float>, into context: UnsafeMutablePointer<Float>,
    scores: UnsafeMutablePointer<Float>, tokens: Int, _ shape: AttentionShape
) {
    let (count, stride, headWidth) = (Int32(tokens), Int32(shape.columns), Int32(shape.headWidth))
    unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, count, count, headWidth, 1 / Float(headWidth).squareRoot(),
        queries, stride, keys, stride, 0, scores, count)
    for row in 0..<tokens {
        let seen = shape.isCausal ? row + 1 : tokens
        unsafe softmax(scores + row * tokens, count: seen)
        unsafe (scores + row * tokens + seen).update(repeating: 0, count: tokens - seen)
    }
    unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, count, headWidth, count, 1, scores, count,
        keys + shape.keyValueWidth, stride, 0, context, Int32(shape.width))
}
