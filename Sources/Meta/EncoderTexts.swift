public import Model
import Tensor

/// Distinct texts as an encoder reads them, and what is kept of them before a cut.
public struct EncoderTexts: Sendable {
    /// The encoder.
    public let transformer: Transformer
    /// Token ids, one sequence a text.
    public let sequences: [[Int32]]
    private let digests: [TextDigest]
    private let cache: PrefixCache

    /// Takes texts.
    ///
    /// - Parameters:
    ///   - sequences: none longer than the transformer was loaded for.
    ///   - cache: keeps rows before cuts.
    public init(_ transformer: Transformer, _ sequences: [[Int32]], cache: PrefixCache) {
        (self.transformer, self.sequences, self.cache) = (transformer, sequences, cache)
        digests = sequences.map(TextDigest.init(tokens:))
    }

    /// Computes what lies before a cut of those texts that are not in the cache, on the calling thread.
    public func keepPrefixes(before cut: Cut) { prefixes(before: cut)?.prepare(sequences, digests: digests) }

    /// What lies before a cut, from the cache; nil where nothing does.
    func prefixes(before cut: Cut) -> FrozenPrefixes? {
        cut == .tokens ? nil : FrozenPrefixes(transformer, cut: cut, cache: cache)
    }

    /// Puts the rows of some texts where a pass begins.
    func load(_ texts: ArraySlice<Int32>, from prefixes: FrozenPrefixes, into rows: [MatrixView]) {
        prefixes.load(
            texts.map { sequences[Int($0)] }, digests: texts.map { digests[Int($0)] }, into: rows)
    }
}
