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
    /// The transformer.
    public let transformer: Transformer
    /// Tokens after which a text is cut, its frame of two included.
    public let maximumTokens: Int

    private let tokenizer: WordPieceTokenizer
    private let batchTokens: Int
    private let idle = Mutex<[Workspace]>([])

    private struct Workspace {
        var pass: TransformerPass
        let pooled: PooledOutput
    }

    /// Converts the weights of a base: about 90 MB for all-MiniLM-L6-v2, in some 50 ms.
    ///
    /// - Parameters:
    ///   - base: an opened folder; it may be released afterwards.
    ///   - maximumTokens: where texts are cut, 2 up to the positions of the model, which is also the default.
    ///   - batchTokens: tokens computed together, at least one text; 512 keep a block's buffers in the cache of a core.
    ///   - products: the library and number format of the products.
    public init(
        _ base: BaseFolder, maximumTokens: Int? = nil, batchTokens: Int = 512, products: ProductBackend = .openBLAS
    ) throws {
        let limit = maximumTokens ?? base.configuration.positions
        precondition((2...base.configuration.positions).contains(limit), "texts of \(limit) tokens")
        precondition(batchTokens > 0, "batches of \(batchTokens) tokens")
        self.maximumTokens = limit
        self.batchTokens = max(batchTokens, limit)
        guard case .wordPiece(let tokenizer) = base.tokenizer, base.configuration.family == .bert else {
            throw Problem(
                "model_family", at: base.path, "it is a decoder, whose rows are no features of a whole text.",
                do: "use a BERT encoder, for example all-MiniLM-L6-v2.")
        }
        self.tokenizer = tokenizer
        transformer = try Transformer(base, maximumTokens: limit, products: products)
    }

    /// The digest of the base it runs.
    public var digest: String { transformer.digest }
    /// Channels of a feature.
    public var width: Int { transformer.configuration.width }
    /// The shape of the model.
    public var configuration: TransformerConfiguration { transformer.configuration }

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
        var workspace = idle.withLock { $0.popLast() } ?? makeWorkspace()
        defer { idle.withLock { [workspace] in $0.append(workspace) } }
        func flush() throws {
            guard batch.count > 0 else { return }
            workspace.pass.run(batch, NoAdapters())
            let means = workspace.pooled.forward(workspace.pass, NoAdapters()).values
            try requireFinite(means, digest)
            let start = firstOfBatch * width
            features.values.replaceSubrange(start..<start + means.count, with: means)
            firstOfBatch += batch.count
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

    /// A text has two tokens at least: its frame.
    private func makeWorkspace() -> Workspace {
        Workspace(
            pass: TransformerPass(transformer, tokens: batchTokens, longest: maximumTokens),
            pooled: PooledOutput(configuration, texts: batchTokens / 2))
    }
}

/// Throws a ``Problem`` `feature_not_finite` if a base gave a number that is not finite.
func requireFinite(_ values: some Sequence<Float>, _ digest: String) throws {
    guard values.allSatisfy(\.isFinite) else {
        throw Problem(
            "feature_not_finite", at: "base \(digest.prefix(8))",
            "the forward pass gave a number that is not finite.",
            do: "fetch the base again; its weights hold NaN or infinity.")
    }
}
