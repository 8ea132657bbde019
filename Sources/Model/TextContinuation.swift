import Tensor

/// A decoder that reads one text token by token: after each reading it scores the next token, for the cost of the new
/// tokens alone.
///
/// One thread at a time: its buffers are shared by copies of it.
public struct TextContinuation<Adapters: SiteAdapters>: Sendable {
    /// What it runs.
    public let transformer: Transformer
    /// What is attached to it.
    public let adapters: Adapters
    /// The tokens that the next one is given, at most the capacity.
    public private(set) var context: [Int32] = []

    private var pass: TransformerPass
    private var cache: DecoderCache
    /// `[1, vocabularySize]`.
    private let logits: MatrixView

    /// Allocates the buffers.
    ///
    /// - Parameters:
    ///   - adapters: of one text.
    ///   - capacity: tokens of the context, at least 2; what the transformer was loaded with unless given.
    public init(_ transformer: Transformer, adapters: Adapters, capacity: Int? = nil) {
        let capacity = capacity ?? transformer.maximumTokens
        precondition(capacity >= 2, "a context of \(capacity) tokens")
        (self.transformer, self.adapters) = (transformer, adapters)
        pass = TransformerPass(transformer, tokens: capacity, longest: capacity, sites: adapters.savedColumns)
        cache = DecoderCache(transformer, capacity: capacity)
        logits = MatrixView(rows: 1, columns: transformer.configuration.vocabularySize)
    }

    /// Forgets the text.
    public mutating func removeAll() {
        context.removeAll(keepingCapacity: true)
        cache.removeAll()
    }

    /// Reads the next tokens and gives the scores of the one after them, `[vocabularySize]`.
    ///
    /// Where the context would grow over its capacity, only its newest half is kept and read again, so that the cost of a
    /// token stays bounded and every token is given half the capacity or more.
    ///
    /// - Parameter tokens: at least one.
    public mutating func read(_ tokens: some Collection<Int32>) throws -> [Float] {
        precondition(!tokens.isEmpty, "no token to read")
        var unread = Array(tokens)
        if context.count + unread.count > cache.capacity {
            unread = (context + unread).suffix(cache.capacity / 2)
            removeAll()
        }
        pass.run(unread, reading: unread.count - 1..<unread.count, continuing: &cache, adapters)
        context += unread
        try requireFinite(pass.output.values, transformer.digest)
        transformer.score(pass.output, into: logits)
        return logits.values
    }
}
