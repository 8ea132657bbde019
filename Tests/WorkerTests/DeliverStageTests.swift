import Adapters
import Artifacts
import Crypto
import Meta
import Model
import ObjectStore
import Problem
import Queue
import Recipe
import Tensor
import Testing
import Worker

/// From adapted users to one object and one publish, with a queue and a store in memory.
@Suite struct DeliverStageTests {
    private static let width = 8
    private static let base = MemoryQueueStore.digest(1)

    private let store = MemoryObjectStore()
    private let recipe = Recipe.plain(
        name: "plain", baseDigest: base, head: LinearHead(weights: [Float](repeating: 0, count: width), bias: 0))

    /// Six texts as unit vectors; the user likes the first three.
    private func adapted(_ claimed: ClaimedChunk, refusing refused: [Int]) throws -> AdaptedDelivery {
        let texts = Matrix(
            rows: 6, columns: Self.width,
            values: (0..<6).flatMap { row in (0..<Self.width).map { $0 == row || $0 == 6 + row / 3 ? 0.5 : 0 } })
        let space = FeatureSpace(baseDigest: Self.base, site: "projected/test")
        var delivery = FetchedDelivery(
            chunks: [claimed],
            recipe: LoadedRecipe(recipe: recipe, digest: Recipe.digest(of: try recipe.encode()), space: space),
            texts: TextTable(.projected(space, FeatureCache(byteLimit: 1 << 20))))
        for (index, job) in claimed.jobs.enumerated() {
            if refused.contains(index) {
                delivery.refused.append(
                    (job, Problem("one_class_examples", at: job.user, "all are 1.", do: "add a 0.")))
            } else {
                let support = UserSupport(rows: [0, 3, 1, 4, 2, 5], labels: [1, 0, 1, 0, 1, 0])
                delivery.users.append(FetchedUser(job: job, support: support, dataThrough: 6))
            }
        }
        let pack = PackedSupport(features: recipe.project(texts), users: delivery.users.map(\.support))
        let results =
            delivery.users.isEmpty
            ? [] : adapt(pack, with: recipe.rule, settings: recipe.settings, storing: recipe.form)
        return AdaptedDelivery(fetched: delivery, adaptations: results.map { $0.map(UserDelta.head) })
    }

    private func stage(_ queue: any QueueStore) -> DeliverStage {
        DeliverStage(queue: queue, store: store, clock: StageClock(), faults: { _ in })
    }

    @Test("each user's part of the pack is its adapter, and the object's key tells the claim and the bytes")
    func encodes() async throws {
        let (queue, chunk) = try await Claims.chunk(users: 5)
        let adapted = try adapted(chunk, refusing: [2])
        let encoded = try stage(queue).encode(adapted)
        let object = try #require(encoded.object)
        let key = try #require(ArtifactKey(object.key.string))
        #expect(key.chunkID == chunk.fence.chunkID && key.attempt == chunk.fence.attempt)
        #expect(key.token == chunk.fence.token && key.prefix == chunk.keyPrefix)
        #expect(key.sha256 == Digest.sha256(object.bytes) && object.sha256 == Array(SHA256.hash(data: object.bytes)))
        #expect(Set(encoded.reports.map(\.job.jobID)) == Set(chunk.jobs.map(\.jobID)), "one report a job")

        var read = 0
        for (user, adaptation) in zip(adapted.fetched.users, adapted.adaptations) {
            guard
                case .completed(let draft, let measured) = encoded.reports.first(where: { $0.job == user.job })?.result
            else { continue }
            let frame = Array(object.bytes[Int(draft.offset)..<Int(draft.offset + draft.length)])
            #expect(draft.sha256 == Array(SHA256.hash(data: frame)) && draft.dataThrough == 6)
            var coder = AdapterFrameCoder(
                provenance: AdapterProvenance(baseDigest: Self.base, recipeDigest: adapted.fetched.recipe.digest),
                width: Self.width)
            #expect(try coder.decode(frame, at: "pack") == adaptation.delta)
            #expect(measured.examples == 6 && measured.storedBytes > draft.length, "its share of the index counts")
            read += 1
        }
        #expect(read == 4, "all that could be adapted are")
    }

    @Test("a refused user fails for good with reason and remedy, and a delivery of none but such stores nothing")
    func refuses() async throws {
        let (queue, chunk) = try await Claims.chunk(users: 2)
        let encoded = try stage(queue).encode(try adapted(chunk, refusing: [0, 1]))
        #expect(encoded.object == nil)
        let failed = JobResult.failed(
            errorClass: "one_class_examples", message: "all are 1. do: add a 0.", retryable: false)
        #expect(encoded.reports.map(\.result) == [failed, failed])
    }

    @Test("a delivery ends every job of its chunk: stored, published, and pointed to")
    func delivers() async throws {
        let (queue, chunk) = try await Claims.chunk(users: 4)
        let (_, report) = try await stage(queue).deliver(try adapted(chunk, refusing: [1]))
        #expect(report.completed == 3 && report.discarded == 1 && report.lostChunks.isEmpty)
        #expect(try await store.list(prefix: "", after: nil, limit: 10).count == 1)
        #expect(try queue.revision(of: "u-0", tenant: "acme") == 1)
        #expect(try queue.revision(of: "u-1", tenant: "acme") == nil)
    }

    @Test("delivered a second time it changes nothing: the queue says that this very claim has published")
    func twice() async throws {
        let (queue, chunk) = try await Claims.chunk(users: 2)
        let adapted = try adapted(chunk, refusing: [])
        _ = try await stage(queue).deliver(adapted)
        let (_, again) = try await stage(queue).deliver(adapted)
        #expect(again.completed == 0 && again.publishedBefore == [chunk.fence.chunkID] && again.lostChunks.isEmpty)
        #expect(try queue.revision(of: "u-0", tenant: "acme") == 1)
    }
}
