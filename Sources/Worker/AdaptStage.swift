import Adapters
import Blocking
package import Meta
import Model
import Queue
import Recipe

/// A delivery whose users are adapted; nothing is encoded yet.
package struct AdaptedDelivery: Sendable {
    package let fetched: FetchedDelivery
    /// One result a user of `fetched.users`, in order.
    package let adaptations: [UserAdaptation]
    var adaptMilliseconds: Int32 = 0

    package init(fetched: FetchedDelivery, adaptations: [UserAdaptation]) {
        self.fetched = fetched
        self.adaptations = adaptations
    }
}

/// Embeds texts that the cache does not hold, then adapts all users of a delivery, spread over the compute threads.
struct AdaptStage: Sendable {
    let bases: BaseShelf
    let threads: ComputeThreads
    /// Texts that a thread embeds before it is free for other deliveries' work.
    private static let textsAtOnce = 64

    /// Adapts users all of whose texts are embedded.
    func adapt(_ delivery: FetchedDelivery) async throws -> AdaptedDelivery {
        let recipe = delivery.recipe.recipe
        guard !delivery.users.isEmpty else { return AdaptedDelivery(fetched: delivery, adaptations: []) }
        let features = delivery.texts.features(columns: recipe.rule.width + 1)
        let users = delivery.users.map(\.support)
        let share = (users.count + threads.count - 1) / threads.count
        let slices = stride(from: 0, to: users.count, by: share).map { Array(users[$0..<min($0 + share, users.count)]) }
        let results = try await threads.spread(slices) { slice in
            Meta.adapt(
                PackedSupport(features: features, users: slice), with: recipe.rule, settings: recipe.settings,
                gate: recipe.gate)
        }
        return AdaptedDelivery(fetched: delivery, adaptations: results.flatMap { $0 })
    }

    /// The same delivery with the features of texts nobody has met under this recipe; a text met under another recipe of
    /// the same base costs only the projection.
    func embed(_ delivery: FetchedDelivery) async throws -> FetchedDelivery {
        var delivery = delivery
        delivery.texts.lookAgain()
        let rows = Set(delivery.texts.missing)
        let missing = delivery.missingTexts.filter { rows.contains($0.row) }
        delivery.missingTexts = []
        guard !missing.isEmpty else { return delivery }
        let recipe = delivery.recipe.recipe
        let encoder = try bases.encoder(of: recipe.baseDigest, at: delivery.chunks[0].tenant)
        let share = min(Self.textsAtOnce, max(16, (missing.count + threads.count - 1) / threads.count))
        let slices = stride(from: 0, to: missing.count, by: share).map {
            Array(missing[$0..<min($0 + share, missing.count)])
        }
        let projected = try await threads.spread(slices) { slice in
            let features = try encoder.features(slice.map(\.text))
            return recipe.rule.project(features)
        }
        for (slice, features) in zip(slices, projected) { delivery.texts.fill(slice.map(\.row), with: features) }
        return delivery
    }
}

extension ComputeThreads {
    /// Runs one closure a slice on the compute threads; results in the order of the slices. No more are given to the threads
    /// than there are of them: what others give them meanwhile waits for one slice, not for all.
    func spread<Slice: Sendable, Result: Sendable>(
        _ slices: [Slice], _ body: @escaping @Sendable (Slice) throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var waiting = slices.enumerated().makeIterator()
            func startNext() {
                guard let (index, slice) = waiting.next() else { return }
                group.addTask { (index, try await self.run { _ in try body(slice) }) }
            }
            for _ in 0..<count { startNext() }
            var results: [Result?] = Array(repeating: nil, count: slices.count)
            while let (index, result) = try await group.next() {
                results[index] = result
                startNext()
            }
            return results.compactMap { $0 }
        }
    }
}
