import Adapters
import Meta
import Model
import Queue
import Recipe
import Testing
import Worker

/// Real claims to try a worker's parts with, from a queue in memory.
enum Claims {
    /// Claims every job of a new queue: `users` users of one tenant, each with `examples` recorded, in one chunk.
    static func chunk(users: Int, examples: Int = 6) async throws -> (queue: MemoryQueueStore, chunk: ClaimedChunk) {
        let queue = MemoryQueueStore()
        try queue.addTenant("acme", base: 1, recipe: 1)
        let names = (0..<users).map { "u-\($0)" }
        for name in names { try queue.record(examples, of: name, tenant: "acme") }
        _ = try await queue.enqueue(Bulk(tenant: "acme", entries: names.map { Bulk.Entry(user: $0) }))
        let worker = try await queue.registerWorker(name: "w-1", version: "test").workerID
        try await queue.adoptLanes(workerID: worker)
        let orders = try await queue.heartbeat(Heartbeat(workerID: worker, progress: 0, jobsInHand: 0))
        var chunks: [ClaimedChunk] = []
        for lane in orders.lanes {
            chunks += try await queue.claim(ClaimRequest(workerID: worker, lane: lane)).chunks
        }
        return (queue, try #require(chunks.first))
    }

    /// A chunk of so many users as a delivery without texts.
    static func fetched(users: Int) async throws -> FetchedDelivery {
        let chunk = try await chunk(users: users).chunk
        let recipe = Recipe.plain(name: "r", baseDigest: chunk.baseDigest, head: .zero(width: 8))
        let space = FeatureSpace(baseDigest: chunk.baseDigest, site: "test")
        return FetchedDelivery(
            chunks: [chunk], recipe: LoadedRecipe(recipe: recipe, digest: chunk.recipeDigest, space: space),
            texts: TextTable(.projected(space, FeatureCache(byteLimit: 1 << 20))))
    }
}
