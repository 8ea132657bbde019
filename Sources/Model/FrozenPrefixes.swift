import Synchronization
public import Tensor

/// The rows before a cut, which no adapter changes: computed once a text, kept in f16, shared by users, jobs and threads.
public final class FrozenPrefixes: Sendable {
    /// What computes them.
    public let transformer: Transformer
    /// Where they end.
    public let cut: Cut
    /// What remembers.
    public let cache: PrefixCache

    private let space: FeatureSpace
    private let batchTokens: Int
    private let idle = Mutex<[TransformerPass]>([])

    /// Puts a cache, which may serve other cuts and bases too, in front of a transformer.
    ///
    /// - Parameters:
    ///   - cut: not ``Cut/tokens``, before which there is nothing.
    ///   - batchTokens: tokens computed together, at least those of the longest text.
    public init(_ transformer: Transformer, cut: Cut, cache: PrefixCache, batchTokens: Int = 512) {
        precondition(cut != .tokens, "nothing lies before the tokens")
        (self.transformer, self.cut, self.cache) = (transformer, cut, cache)
        self.batchTokens = max(batchTokens, min(transformer.maximumTokens, 512))
        space = FeatureSpace(baseDigest: transformer.digest, site: "prefix/\(cut)/\(transformer.products.rawValue)")
    }

    /// The digests by which texts are remembered; computed once for texts that come again.
    public func digests(_ sequences: [[Int32]]) -> [TextDigest] { sequences.map(TextDigest.init(tokens:)) }

    /// Puts the rows of texts, one after the other, where a pass begins from the cut (``TransformerPass/rows(at:count:)``).
    ///
    /// - Parameters:
    ///   - sequences: token ids, each of at most 512 or the model's most.
    ///   - digests: of the sequences.
    ///   - rows: one or two matrices of as many rows as there are tokens.
    public func load(_ sequences: [[Int32]], digests: [TextDigest], into rows: [MatrixView]) {
        var first = 0
        var missing: [Missing] = []
        for (sequence, digest) in zip(sequences, digests) {
            let own = rows.map { $0.rows(first..<first + sequence.count) }
            first += sequence.count
            let key = FeatureKey(space, digest)
            if let known = cache.row(key) {
                Self.unpack(known, into: own)
            } else {
                missing.append(Missing(sequence: sequence, key: key, rows: own))
            }
        }
        compute(missing)
    }

    /// Computes and keeps the rows of texts that are not in the cache, before anybody waits for them.
    public func prepare(_ sequences: [[Int32]], digests: [TextDigest]) {
        compute(
            zip(sequences, digests).compactMap { sequence, digest in
                let key = FeatureKey(space, digest)
                return cache.row(key) == nil ? Missing(sequence: sequence, key: key, rows: []) : nil
            })
    }

    /// A text whose rows the cache lacks, and where they are wanted besides; empty: nowhere.
    private struct Missing {
        let sequence: [Int32]
        let key: FeatureKey
        let rows: [MatrixView]
    }

    private func compute(_ missing: [Missing]) {
        guard !missing.isEmpty else { return }
        var missing = missing[...]
        var pass =
            idle.withLock { $0.popLast() }
            ?? TransformerPass(transformer, tokens: batchTokens, longest: batchTokens)
        defer { idle.withLock { [pass] in $0.append(pass) } }
        while !missing.isEmpty {
            var batch = PackedBatch()
            let together = missing.prefix {
                guard batch.tokens.count + $0.sequence.count <= batchTokens else { return false }
                batch.append($0.sequence)
                return true
            }
            precondition(!together.isEmpty, "a text of more than \(batchTokens) tokens")
            pass.run(batch, NoAdapters(), to: cut)
            let computed = pass.rows(at: cut, count: batch.tokens.count)
            for (index, text) in together.enumerated() {
                let own = computed.map { $0.rows(batch.boundaries[index]..<batch.boundaries[index + 1]) }
                let kept = own.flatMap(\.halves)
                cache.insert(kept, for: text.key)
                // What comes from the cache later is what is used now: a job gives the same bytes either way.
                Self.unpack(kept, into: text.rows)
            }
            missing.removeFirst(together.count)
        }
    }

    private static func unpack(_ halves: [Float16], into rows: [MatrixView]) {
        var first = 0
        for matrix in rows {
            let count = matrix.rows * matrix.columns
            matrix.copy(halves: halves[first..<first + count])
            first += count
        }
    }
}
