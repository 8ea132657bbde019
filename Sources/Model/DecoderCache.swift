import Tensor

/// The keys and values of a text's tokens in every block, kept so that the next token costs one row.
///
/// Copies share their rows.
public struct DecoderCache: Sendable {
    /// Tokens that it has room for.
    public let capacity: Int
    /// Tokens that it holds.
    public private(set) var count = 0

    /// By block, `[capacity, keyValueWidth]`, keys turned by their positions where the family turns them.
    private let keys: [MatrixView]
    private let values: [MatrixView]

    /// Room for a text of at most `capacity` tokens.
    public init(_ transformer: Transformer, capacity: Int) {
        precondition((1...transformer.maximumTokens).contains(capacity), "a text of \(capacity) tokens")
        let shape = transformer.configuration
        func rows() -> [MatrixView] {
            (0..<shape.blocks).map { _ in MatrixView(rows: capacity, columns: shape.attention.keyValueWidth) }
        }
        (self.capacity, keys, values) = (capacity, rows(), rows())
    }

    /// Forgets the text; the room stays.
    public mutating func removeAll() { count = 0 }

    /// Puts the keys and values of the tokens behind those it holds, as a block projected them.
    func keep(_ projections: MatrixView, of block: Int, _ shape: AttentionShape) {
        let (from, end) = (shape.width, shape.width + shape.keyValueWidth)
        let rows = count..<count + projections.rows
        keys[block].rows(rows).copy(projections.columns(from..<end))
        values[block].rows(rows).copy(projections.columns(end..<shape.columns))
    }

    /// The keys and values of a block, `[count + added, keyValueWidth]` each.
    func rows(of block: Int, added: Int) -> (keys: MatrixView, values: MatrixView) {
        (keys[block].rows(0..<count + added), values[block].rows(0..<count + added))
    }

    /// Holds the tokens that every block has kept.
    mutating func advance(by tokens: Int) { count += tokens }
}

extension TransformerPass {
    /// Runs the transformer over the next tokens of one text, given those that a cache holds, and adds them to it. No way
    /// back follows.
    ///
    /// - Parameters:
    ///   - tokens: at most as many as the cache has room for, and ``tokens``.
    ///   - reading: of which of them the output is read.
    ///   - adapters: at the sites that the pass was made for, or fewer.
    public mutating func run(
        _ tokens: some Collection<Int32>, reading: Range<Int>, continuing cache: inout DecoderCache,
        _ adapters: some SiteAdapters
    ) {
        precondition(cache.count + tokens.count <= cache.capacity, "\(tokens.count) tokens after \(cache.count)")
        var batch = PackedBatch()
        batch.append(tokens, reading: reading, from: cache.count)
        self.cache = cache
        run(batch, adapters)
        self.cache = nil
        cache.advance(by: tokens.count)
    }
}
