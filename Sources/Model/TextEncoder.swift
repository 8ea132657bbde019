import Problem
import Synchronization
public import Tensor
import Tokenizer

/// Texts to frozen features: the encoder's rows, averaged over the tokens of a text and scaled to unit length, as
/// sentence-transformers computes them for all-MiniLM-L6-v2 (Reimers and Gurevych 2019).
///
/// Weights are shared by all threads; each call takes a workspace of its own from a pool. A call computes on the thread
/// that makes it and does not suspend: run it on a compute thread, with ``BLASLibrary/useOneThread()`` in effect.
public final class TextEncoder: Sendable {
    /// The digest of the base it runs.
    public let digest: String
    /// Channels of a feature.
    public let width: Int
    /// Tokens after which a text is cut, its frame of two included.
    public let maximumTokens: Int
    /// The shape of the model.
    public let configuration: TransformerConfiguration

    private let tokenizer: WordPieceTokenizer
    private let weights: TransformerWeights
    private let batchTokens: Int
    private let idle = Mutex<[TransformerWorkspace]>([])

    /// Converts the weights of a base: about 90 MB for all-MiniLM-L6-v2, in some 50 ms.
    ///
    /// - Parameters:
    ///   - base: an opened folder; it may be released afterwards.
    ///   - maximumTokens: where texts are cut, 2 up to the positions of the model, which is also the default.
    ///   - batchTokens: tokens computed together, at least one text; 512 keep a block's buffers in the cache of a core.
    public init(_ base: BaseFolder, maximumTokens: Int? = nil, batchTokens: Int = 512) throws {
        let limit = maximumTokens ?? base.configuration.positions
        precondition((2...base.configuration.positions).contains(limit), "texts of \(limit) tokens")
        precondition(batchTokens > 0, "batches of \(batchTokens) tokens")
        digest = base.digest
        width = base.configuration.width
        self.maximumTokens = limit
        self.batchTokens = max(batchTokens, limit)
        configuration = base.configuration
        guard case .wordPiece(let tokenizer) = base.tokenizer, base.configuration.family == .bert else {
            throw Problem(
                "model_family", at: base.path, "it is a decoder, whose rows are no features of a whole text.",
                do: "use a BERT encoder, for example all-MiniLM-L6-v2.")
        }
        self.tokenizer = tokenizer
        weights = try TransformerWeights(base.weights, base.configuration)
    }

    /// The token ids of a text, frame included, at most ``maximumTokens``.
    public func tokens(_ text: String) -> [Int32] { tokenizer.encode(text, maximumTokens: maximumTokens) }

    /// The features of texts, `[texts, width]`, each row of unit Euclidean length.
    ///
    /// A row depends on its text only, up to the rounding of the last bit or two. Throws a ``Problem``
    /// `feature_not_finite` if the weights yield a number that is not finite.
    public func pooled(_ texts: [String]) throws -> Matrix {
        var features = Matrix(rows: texts.count, columns: width)
        var batch = PackedBatch()
        var firstOfBatch = 0
        var workspace =
            idle.withLock { $0.popLast() }
            ?? TransformerWorkspace(configuration, tokens: batchTokens, longest: maximumTokens)
        defer { idle.withLock { [workspace] in $0.append(workspace) } }
        func flush() throws {
            guard !batch.tokens.isEmpty else { return }
            workspace.run(batch, weights)
            let means = normalizedMeans(workspace.hidden.span, boundaries: batch.boundaries, columns: width)
            try requireFinite(means)
            let start = firstOfBatch * width
            features.values.replaceSubrange(start..<start + means.values.count, with: means.values)
            firstOfBatch += means.rows
            batch.removeAll()
        }
        for text in texts {
            let sequence = tokens(text)
            if batch.tokens.count + sequence.count > batchTokens { try flush() }
            batch.append(sequence)
        }
        try flush()
        return features
    }

    private func requireFinite(_ features: Matrix) throws {
        guard features.values.allSatisfy(\.isFinite) else {
            throw Problem(
                "feature_not_finite", at: "base \(digest.prefix(8))",
                "the forward pass gave a number that is not finite.",
                do: "fetch the base again; its weights hold NaN or infinity.")
        }
    }
}
