public import Tensor

/// A ``TextEncoder`` behind a ``FeatureCache``: only texts that the cache does not hold are computed.
public struct CachedEncoder: Sendable {
    /// What computes.
    public let encoder: TextEncoder
    /// What remembers.
    public let cache: FeatureCache
    /// The space of the rows: the base, pooled, texts cut at the encoder's limit.
    public let space: FeatureSpace

    /// Puts a cache, which may serve other encoders too, in front of an encoder.
    public init(encoder: TextEncoder, cache: FeatureCache) {
        self.encoder = encoder
        self.cache = cache
        space = FeatureSpace(baseDigest: encoder.digest, site: "pooled/\(encoder.maximumTokens)")
    }

    /// The features of texts, `[texts, width]`; see ``TextEncoder/pooled(_:)``.
    ///
    /// A text that appears several times is computed once. Two threads that miss the same text at once both compute it.
    public func features(_ texts: [String]) throws -> Matrix {
        try features(texts, digests: texts.map(TextDigest.init(of:)))
    }

    /// The same for texts whose digests are known, `digests[i]` being that of `texts[i]`.
    public func features(_ texts: [String], digests: [TextDigest]) throws -> Matrix {
        precondition(texts.count == digests.count, "\(texts.count) texts with \(digests.count) digests")
        var features = Matrix(rows: texts.count, columns: encoder.width)
        var firstMiss: [TextDigest: Int] = [:]
        var missing: [String] = []
        var waiting: [(row: Int, miss: Int)] = []
        for (row, digest) in digests.enumerated() {
            if let miss = firstMiss[digest] {
                waiting.append((row, miss))
            } else if let known = cache.row(FeatureKey(space, digest)) {
                features.setRow(row, to: known[...])
            } else {
                firstMiss[digest] = missing.count
                waiting.append((row, missing.count))
                missing.append(texts[row])
            }
        }
        guard !missing.isEmpty else { return features }
        let computed = try encoder.pooled(missing)
        for (row, miss) in waiting { features.setRow(row, to: computed.row(miss)) }
        for (digest, miss) in firstMiss { cache.insert(Array(computed.row(miss)), for: FeatureKey(space, digest)) }
        return features
    }
}

extension Matrix {
    /// Overwrites one row with `columns` values.
    fileprivate mutating func setRow(_ index: Int, to row: ArraySlice<Float>) {
        values.replaceSubrange(index * columns..<(index + 1) * columns, with: row)
    }
}
