import Adapters
import Artifacts
import Foundation
import Meta
import Model
import ObjectStore
import Queue
import Recipe
import Tensor
import Testing
import Worker

/// Users adapted inside the encoder, from supports to the pack.
@Suite struct SparseDeliveryTests {
    private static let base = MemoryQueueStore.digest(1)
    private static let transformer = Result {
        try Transformer(
            BaseFolder.open(
                URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                    .appending(path: "AdaptersTests/Fixtures/tiny-bert").path))
    }

    /// A recipe of plain steps on thirty entries, of which users keep ten.
    private func recipe() throws -> Recipe {
        let shape = try Self.transformer.get().configuration
        var random = RandomSource(seed: 2)
        let weights = (0..<shape.width).map { _ in Float(0.3 * random.normal()) }
        var recipe = Recipe.plain(
            name: "inside", baseDigest: Self.base, head: LinearHead(weights: weights, bias: 0))
        let delta = SparseDelta.random(entries: 30, inputs: shape.width, outputs: shape.width, &random)
        let plan = AdapterPlan(shape, [Site(.feedForward, block: shape.blocks - 1): delta], head: .binary)
        recipe.sparse = SparsePart(
            EncoderRule.following(recipe.rule, plan, steps: 2, &random),
            SparseStorage(groups: .single(30), keptGroups: 10, entries: .int4))
        recipe.settings.steps = 2
        recipe.settings.guarding = nil
        return recipe
    }

    private func texts() throws -> EncoderTexts {
        EncoderTexts(
            try Self.transformer.get(), (0..<16).map { [0, 5 + Int32($0 % 4), 20 + Int32($0), 1] },
            cache: PrefixCache(byteLimit: 1 << 20))
    }

    @Test("each user's part of the pack is what was adapted, under a seal that another recipe does not have")
    func encodes() async throws {
        let (queue, chunk) = try await Claims.chunk(users: 3)
        let recipe = try recipe()
        let part = try #require(recipe.sparse)
        let rule = try part.rule(in: recipe, for: Self.transformer.get().configuration, at: "test")
        let digest = Recipe.digest(of: try recipe.encode())
        let tokens = TokenCache(byteLimit: 1 << 20)
        var delivery = FetchedDelivery(
            chunks: [chunk],
            recipe: LoadedRecipe(
                recipe: recipe, digest: digest, space: FeatureSpace(baseDigest: Self.base, site: "unused")),
            texts: TextTable(.tokens(FeatureSpace(baseDigest: Self.base, site: "tokens"), tokens)))
        delivery.users = chunk.jobs.enumerated().map { index, job in
            let rows = (0..<8).map { Int32((3 * index + $0) % 16) }
            return FetchedUser(
                job: job, support: UserSupport(rows: rows, labels: (0..<8).map { Float($0 % 2) }), dataThrough: 8)
        }
        var workspace = EncoderAdaptation(try texts(), rule.rule.plan)
        let adapted = delivery.users.map {
            workspace.adaptation(of: $0.support, with: rule).map(UserDelta.sparse)
        }
        let stage = DeliverStage(
            queue: queue, store: MemoryObjectStore(), clock: StageClock(), faults: { _ in })
        let encoded = try stage.encode(AdaptedDelivery(fetched: delivery, adaptations: adapted))
        let object = try #require(encoded.object)
        func read(_ report: JobReport, under digest: String) throws -> UserDelta? {
            guard case .completed(let draft, let measured) = report.result else { return nil }
            #expect(measured.rows == 10 && measured.steps == 2 && measured.examples == 8)
            var coder = AdapterFrameCoder(
                provenance: AdapterProvenance(baseDigest: Self.base, recipeDigest: digest), width: recipe.width,
                space: recipe.deltaSpace)
            return try coder.decode(
                Array(object.bytes[Int(draft.offset)..<Int(draft.offset + draft.length)]), at: "pack")
        }
        for (report, adaptation) in zip(encoded.reports, adapted) {
            #expect(try read(report, under: digest) == adaptation.delta)
            #expect(throws: (any Error).self) { try read(report, under: String(repeating: "0", count: 64)) }
        }
        #expect(encoded.reports.count == 3)
    }

    @Test("a held-out tail inside the encoder is scored by what was adapted without it")
    func tails() throws {
        let recipe = try recipe()
        let part = try #require(recipe.sparse)
        let rule = try part.rule(in: recipe, for: Self.transformer.get().configuration, at: "test")
        let whole = UserSupport(rows: (0..<16).map { Int32($0) }, labels: (0..<16).map { Float($0 % 2) })
        let tail = try #require(HeldOutTail(whole, newest: 128))
        var (workspace, other) = (
            EncoderAdaptation(try texts(), rule.rule.plan), EncoderAdaptation(try texts(), rule.rule.plan)
        )
        let outcome = tail.outcome(under: rule, &workspace)
        let delta = other.adaptation(of: tail.support, with: rule).delta
        let logits = other.logits(of: tail.rows.map { Int32($0) }, for: delta, with: rule)
        #expect(outcome.loss == ScoredQuery(logits: logits, labels: tail.labels).meanLoss && outcome.delta == nil)
        let general = other.logits(of: tail.rows.map { Int32($0) }, for: nil, with: rule)
        #expect(abs(outcome.loss - ScoredQuery(logits: general, labels: tail.labels).meanLoss) > 1e-6)
    }
}
