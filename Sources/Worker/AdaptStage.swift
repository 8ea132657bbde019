package import Adapters
import Blocking
package import Meta
import Model
import Queue
import Recipe
import Synchronization

/// A delivery whose users are adapted; nothing is encoded yet.
package struct AdaptedDelivery: Sendable {
    package let fetched: FetchedDelivery
    /// One result a user of `fetched.users`, in order.
    package let adaptations: [Adaptation<UserDelta>]
    var adaptMilliseconds: Int32 = 0

    package init(fetched: FetchedDelivery, adaptations: [Adaptation<UserDelta>]) {
        self.fetched = fetched
        self.adaptations = adaptations
    }
}

/// Embeds texts that the cache does not hold, then adapts all users of a delivery, spread over the compute threads; both inside
/// the encoder where the recipe adapts there.
struct AdaptStage: Sendable {
    let bases: BaseShelf
    let threads: ComputeThreads
    let workspaces: EncoderWorkspaces
    let finders = StateFinders()

    /// Adapts users all of whose texts are embedded.
    func adapt(_ delivery: FetchedDelivery) async throws -> AdaptedDelivery {
        let recipe = delivery.recipe.recipe
        guard !delivery.users.isEmpty else { return AdaptedDelivery(fetched: delivery, adaptations: []) }
        if let job = try bases.encoderJob(delivery.recipe, at: delivery.chunks[0].tenant) {
            let adaptations = try await workspaces.each(
                delivery.users.map(\.support), over: delivery.texts.sequences, job, on: threads
            ) { $1.adaptation(of: $0, with: job.rule).map(UserDelta.sparse) }
            return AdaptedDelivery(fetched: delivery, adaptations: adaptations)
        }
        let features = delivery.texts.features(columns: ProjectedFeatures.columns(width: recipe.width))
        let users = delivery.users
        let share = (users.count + threads.count - 1) / threads.count
        let slices = stride(from: 0, to: users.count, by: share).map { Array(users[$0..<min($0 + share, users.count)]) }
        let results = try await threads.spread(slices) { slice in
            let copies = slice.map(\.copy)
            return Meta.adapt(
                PackedSupport(features: features, users: slice.map(\.support)), with: recipe.rule,
                settings: recipe.settings, storing: recipe.form,
                from: copies.allSatisfy { $0 == nil }
                    ? nil : finders.finder(delivery.recipe).starts(from: copies, scale: recipe.settings.scale))
        }
        return AdaptedDelivery(fetched: delivery, adaptations: results.flatMap { $0 }.map { $0.map(UserDelta.head) })
    }

    /// The same delivery with the features of texts nobody has met under this recipe; a text met under another recipe of
    /// the same base costs only the projection.
    func embed(_ delivery: FetchedDelivery) async throws -> FetchedDelivery {
        var delivery = delivery
        let missing = delivery.missingTexts
        guard !missing.isEmpty else { return delivery }
        if let job = try bases.encoderJob(delivery.recipe, at: delivery.chunks[0].tenant) {
            delivery.texts.fill(
                missing.map(\.row), with: try await workspaces.sequences(missing.map(\.text), job, on: threads))
            return delivery
        }
        let recipe = delivery.recipe.recipe
        let encoder = try bases.encoder(of: recipe.baseDigest, at: delivery.chunks[0].tenant)
        let slices = ComputeThreads.textSlices(missing)
        let digests = delivery.texts.digests
        let projected = try await threads.spread(slices) { slice in
            let features = try encoder.features(slice.map(\.text))
            return recipe.project(recipe.features(features, of: slice.map { digests[$0.row] }))
        }
        for (slice, features) in zip(slices, projected) { delivery.texts.fill(slice.map(\.row), with: features) }
        return delivery
    }
}

/// What finds the states that copies come from, by recipe: making one takes a good part of a second.
final class StateFinders: Sendable {
    private let known = Mutex<[String: StateFinder]>([:])

    /// The finder of a recipe. Two threads that ask first both wait for the one that makes it.
    func finder(_ recipe: LoadedRecipe) -> StateFinder {
        known.withLock { known in
            if let finder = known[recipe.digest] { return finder }
            if known.count >= 8 { known.removeAll() }
            let finder = StateFinder(recipe.recipe.rule)
            known[recipe.digest] = finder
            return finder
        }
    }
}

extension ComputeThreads {
    /// Texts in pieces of about a tenth of a second of one thread: work that comes meanwhile waits for no more than that.
    static func textSlices<Text>(_ texts: [Text]) -> [[Text]] {
        stride(from: 0, to: texts.count, by: 32).map { Array(texts[$0..<min($0 + 32, texts.count)]) }
    }

    /// Runs one closure a slice on the compute threads; results in the order of the slices.
    ///
    /// No more slices than threads are given out at a time, so that other work takes its turn between them.
    func spread<Slice: Sendable, Result: Sendable>(
        _ slices: [Slice], _ body: @escaping @Sendable (Slice) throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            func give(_ index: Int) {
                let slice = slices[index]
                group.addTask { (index, try await self.run { _ in try body(slice) }) }
            }
            var next = min(count, slices.count)
            for index in 0..<next { give(index) }
            var results: [Result?] = Array(repeating: nil, count: slices.count)
            while let (index, result) = try await group.next() {
                results[index] = result
                if next < slices.count { give(next) }
                next += 1
            }
            return results.compactMap { $0 }
        }
    }
}
