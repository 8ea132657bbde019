public import Blocking
public import Model
import Problem
import Registry

/// Predicts for a user's texts with the user's current adapter.
public struct Predictor: Sendable {
    /// What was predicted and with what.
    public struct Answer: Sendable {
        /// The adapter that was applied.
        public let adapter: CurrentAdapter
        /// One prediction a text, in their order.
        public let predictions: [Prediction]
    }

    private let reader: AdapterReader
    private let encoder: CachedEncoder
    private let threads: ComputeThreads

    /// Reads adapters with `reader` and computes features with `encoder` on `threads`.
    public init(reader: AdapterReader, encoder: CachedEncoder, threads: ComputeThreads) {
        self.reader = reader
        self.encoder = encoder
        self.threads = threads
    }

    /// Predicts under the tenant's active base, which must be the encoder's.
    ///
    /// - Throws: `base_mismatch` when it is another one, and what ``AdapterReader/current(tenant:user:base:number:)``
    ///   throws.
    public func predict(_ texts: [String], tenant: String, user: String) async throws -> Answer {
        let adapter = try await reader.current(tenant: tenant, user: user)
        guard adapter.place.baseDigest == encoder.encoder.digest else {
            throw Problem(
                "base_mismatch", at: "\(tenant)/\(Problem.excerpt(user))",
                "the active base is \(adapter.place.baseDigest.prefix(8))…, the folder holds "
                    + "\(encoder.encoder.digest.prefix(8))….",
                do: "give the folder of the active base.")
        }
        let predictions = try await threads.run { [encoder] _ in try adapter.predictions(of: texts, with: encoder) }
        return Answer(adapter: adapter, predictions: predictions)
    }
}
