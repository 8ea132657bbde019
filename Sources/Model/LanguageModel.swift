import Problem
import Synchronization
import Tensor
public import Tokenizer

/// A frozen decoder that scores the next token: logits and losses of token sequences.
///
/// Weights are shared by all threads; each call takes a workspace of its own from a pool. A call computes on the thread
/// that makes it and does not suspend: run it on a compute thread, with ``BLASLibrary/useOneThread()`` in effect.
public final class LanguageModel: Sendable {
    /// The digest of the base it runs.
    public let digest: String
    /// The shape of the model.
    public let configuration: TransformerConfiguration
    /// Text to token ids, and back.
    public let tokenizer: BytePairTokenizer
    /// Tokens that a sequence may have.
    public let maximumTokens: Int

    private let weights: TransformerWeights
    private let rotary: RotaryTable?
    private let idle = Mutex<[TransformerWorkspace]>([])

    /// Rows whose scores are computed together: their logits stay in the cache of a core for small vocabularies.
    private static let scoredRows = 64

    /// Converts the weights of a base; it may be released afterwards. Throws a ``Problem`` `model_family` for an encoder.
    ///
    /// - Parameters:
    ///   - base: an opened folder.
    ///   - maximumTokens: for which buffers are made, 1 up to the positions of the model; at most 2048 unless asked for, since
    ///     the scores of one head of attention grow with its square.
    public init(_ base: BaseFolder, maximumTokens: Int? = nil) throws {
        guard case .bytePair(let tokenizer) = base.tokenizer, base.configuration.family != .bert else {
            throw Problem(
                "model_family", at: base.path, "it is an encoder, which scores no next token.",
                do: "use a GPT-2 or Llama decoder with a byte-level tokenizer.")
        }
        let limit = maximumTokens ?? min(base.configuration.positions, 2048)
        precondition((1...base.configuration.positions).contains(limit), "sequences of \(limit) tokens")
        self.maximumTokens = limit
        digest = base.digest
        configuration = base.configuration
        self.tokenizer = tokenizer
        weights = try TransformerWeights(base.weights, base.configuration)
        rotary = base.configuration.rotaryBase.map {
            RotaryTable(headWidth: base.configuration.attention.headWidth, positions: limit, base: $0)
        }
    }

    /// The scores of the token after a sequence, `[vocabularySize]`.
    ///
    /// - Parameters:
    ///   - tokens: 1 up to ``maximumTokens``.
    ///   - observe: is lent the last token's channels after the embeddings (0), after each block (1, 2, …) and after the
    ///     normalisation at the end (blocks + 1).
    public func logits(after tokens: [Int32], observe: (Int, [Float]) -> Void = { _, _ in }) throws -> [Float] {
        try run(tokens, observe: observe) { hidden in
            var logits = [Float](repeating: 0, count: configuration.vocabularySize)
            score(hidden, rows: tokens.count - 1..<tokens.count, into: &logits)
            return logits
        }
    }

    /// What each token but the first costs given all before it, in nats: `[tokens - 1]`.
    ///
    /// - Parameter tokens: 1 up to ``maximumTokens``.
    public func losses(of tokens: [Int32]) throws -> [Float] {
        try run(tokens) { hidden in
            var losses: [Float] = []
            losses.reserveCapacity(tokens.count - 1)
            var logits = [Float](repeating: 0, count: Self.scoredRows * configuration.vocabularySize)
            for start in stride(from: 0, to: tokens.count - 1, by: Self.scoredRows) {
                let rows = start..<min(start + Self.scoredRows, tokens.count - 1)
                score(hidden, rows: rows, into: &logits)
                losses += crossEntropies(
                    logits.span, targets: tokens[rows.lowerBound + 1...rows.upperBound],
                    columns: configuration.vocabularySize)
            }
            return losses
        }
    }

    /// `logits = hidden H^T` of some rows.
    private func score(_ hidden: [Float], rows: Range<Int>, into logits: inout [Float]) {
        let width = configuration.width
        let scored = hidden[rows.lowerBound * width..<rows.upperBound * width]
        let head = weights.head ?? weights.tokenEmbedding
        matmul(
            scored.span, head.span, into: &logits, m: rows.count,
            n: configuration.vocabularySize, k: width, transposeB: true)
    }

    private func run<Result>(
        _ tokens: [Int32], observe: (Int, [Float]) -> Void = { _, _ in }, _ body: ([Float]) -> Result
    ) throws -> Result {
        precondition((1...maximumTokens).contains(tokens.count), "\(tokens.count) tokens")
        var workspace =
            idle.withLock { $0.popLast() }
            ?? TransformerWorkspace(
                configuration, tokens: maximumTokens, longest: maximumTokens, rotary: rotary)
        defer { idle.withLock { [workspace] in $0.append(workspace) } }
        var batch = PackedBatch()
        batch.append(tokens)
        let last = (tokens.count - 1) * configuration.width
        let columns = last..<last + configuration.width
        workspace.run(batch, weights) { place, hidden in observe(place, columns.map { hidden[$0] }) }
        let output = Array(workspace.hidden[columns])
        observe(configuration.blocks + 1, output)
        guard output.allSatisfy(\.isFinite) else {
            throw Problem(
                "feature_not_finite", at: "base \(digest.prefix(8))",
                "the forward pass gave a number that is not finite.",
                do: "fetch the base again; its weights hold NaN or infinity.")
        }
        return body(workspace.hidden)
    }
}
