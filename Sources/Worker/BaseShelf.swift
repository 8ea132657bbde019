package import Model
package import Problem

/// The bases that this worker holds, by digest, over one cache of features.
package struct BaseShelf: Sendable {
    private let encoders: [String: CachedEncoder]

    /// - Parameter encoders: at least one; the same base twice counts once.
    package init(_ encoders: [TextEncoder], cache: FeatureCache) {
        precondition(!encoders.isEmpty, "a worker holds a base")
        self.encoders = Dictionary(
            encoders.map { ($0.digest, CachedEncoder(encoder: $0, cache: cache)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The digests, in order.
    package var digests: [String] { encoders.keys.sorted() }

    /// One of the bases; nil when this worker does not hold it.
    package subscript(digest: String) -> CachedEncoder? { encoders[digest] }

    /// One of the bases.
    ///
    /// - Throws: `base_not_held`: a worker that holds it is to take the work.
    package func encoder(of digest: String, at location: String) throws(Problem) -> CachedEncoder {
        guard let encoder = encoders[digest] else {
            let held = digests.map { "\($0.prefix(8))…" }.joined(separator: ", ")
            throw Problem(
                "base_not_held", at: location, "the chunk wants base \(digest.prefix(8))…, this worker holds \(held).",
                do: "start workers with --base for it; the jobs wait.", isRetryable: true)
        }
        return encoder
    }
}
