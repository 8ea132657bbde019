import Problem
import Synchronization
public import Tensor
public import Tokenizer

/// A frozen decoder that scores the next token: logits and losses of token sequences.
///
/// Weights are shared by all threads; each call takes a workspace of its own from a pool. A call computes on the thread
/// that makes it and does not suspend: run it on a compute thread, with ``BLASLibrary/useOneThread()`` in effect.
public final class LanguageModel: Sendable {
    /// The transformer.
    public let transformer: Transformer
    /// Text to token ids, and back.
    public let tokenizer: BytePairTokenizer

    private let idle = Mutex<[TransformerPass]>([])

    /// Rows whose scores are computed together: their logits stay in the cache of a core for small vocabularies.
    private static let scoredRows = 64

    /// Converts the weights of a base; it may be released afterwards. Throws a ``Problem`` `model_family` for an encoder.
    ///
    /// - Parameters:
    ///   - base: an opened folder.
    ///   - maximumTokens: of a sequence; see ``Transformer/init(_:maximumTokens:products:)``.
    ///   - products: the library and number format of the products.
    public init(_ base: BaseFolder, maximumTokens: Int? = nil, products: ProductBackend = .openBLAS) throws {
        guard case .bytePair(let tokenizer) = base.tokenizer, base.configuration.family != .bert else {
            throw Problem(
                "model_family", at: base.path, "it is an encoder, which scores no next token.",
                do: "use a GPT-2 or Llama decoder with a byte-level tokenizer.")
        }
        self.tokenizer = tokenizer
        transformer = try Transformer(base, maximumTokens: maximumTokens, products: products)
    }

    /// The digest of the base it runs.
    public var digest: String { transformer.digest }
    /// The shape of the model.
    public var configuration: TransformerConfiguration { transformer.configuration }
    /// Tokens that a sequence may have.
    public var maximumTokens: Int { transformer.maximumTokens }

    /// The scores of the token after a sequence, `[vocabularySize]`.
    ///
    /// - Parameters:
    ///   - tokens: 1 up to ``maximumTokens``.
    ///   - observe: is lent the last token's channels after the embeddings (0), after each block (1, 2, …) and after the
    ///     normalisation at the end (blocks + 1).
    public func logits(after tokens: [Int32], observe: (Int, [Float]) -> Void = { _, _ in }) throws -> [Float] {
        try run(tokens, reading: tokens.count - 1..<tokens.count, observe: observe) { output in
            observe(configuration.blocks + 1, output.values)
            let logits = MatrixView(rows: 1, columns: configuration.vocabularySize)
            transformer.score(output, into: logits)
            return logits.values
        }
    }

    /// What each token but the first costs given all before it, in nats: `[tokens - 1]`.
    ///
    /// - Parameter tokens: at most ``maximumTokens``.
    public func losses(of tokens: [Int32]) throws -> [Float] {
        guard tokens.count > 1 else { return [] }
        return try run(tokens, reading: 0..<tokens.count - 1) { output in
            var losses: [Float] = []
            losses.reserveCapacity(output.rows)
            let logits = MatrixView(
                rows: min(Self.scoredRows, output.rows), columns: configuration.vocabularySize)
            for start in stride(from: 0, to: output.rows, by: Self.scoredRows) {
                let rows = start..<min(start + Self.scoredRows, output.rows)
                let scored = logits.rows(0..<rows.count)
                transformer.score(output.rows(rows), into: scored)
                losses += crossEntropies(scored, targets: tokens[rows.lowerBound + 1...rows.upperBound])
            }
            return losses
        }
    }

    private func run<Result>(
        _ tokens: [Int32], reading: Range<Int>, observe: (Int, [Float]) -> Void = { _, _ in },
        _ body: (MatrixView) -> Result
    ) throws -> Result {
        precondition((1...maximumTokens).contains(tokens.count), "\(tokens.count) tokens")
        var pass =
            idle.withLock { $0.popLast() }
            ?? TransformerPass(transformer, tokens: maximumTokens, longest: maximumTokens)
        defer { idle.withLock { [pass] in $0.append(pass) } }
        var batch = PackedBatch()
        batch.append(tokens, reading: reading)
        pass.run(batch, NoAdapters()) { place, rows in
            observe(place, rows.rows(rows.rows - 1..<rows.rows).values)
        }
        try requireFinite(pass.output.values, digest)
        return body(pass.output)
    }
}
