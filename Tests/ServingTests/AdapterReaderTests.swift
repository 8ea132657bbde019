import Adapters
import Artifacts
import Foundation
import Meta
import ObjectStore
import Problem
import Recipe
import Registry
import Serving
import Synchronization
import Tensor
import Testing

@Suite(.timeLimit(.minutes(1))) struct AdapterReaderTests {
    static let base = String(repeating: "ab", count: 32)
    static let width = 48

    /// Rows in memory.
    final class Records: AdapterRecords {
        struct State {
            var places: [AdapterPlace] = []
            var recipes: [Int32: [UInt8]] = [:]
            var recipeReads = 0
        }
        let state = Mutex(State())

        /// The next place; the last one for ever.
        func place(tenant: String, user: String, base: String?, number: Int32?) async throws -> AdapterPlace {
            try state.withLock { state in
                try #require(state.places.count > 1 ? state.places.removeFirst() : state.places.first)
            }
        }

        func recipeBytes(_ recipeID: Int32) async throws -> [UInt8] {
            try state.withLock { state in
                state.recipeReads += 1
                return try #require(state.recipes[recipeID])
            }
        }
    }

    /// A stored pack of three users, its rows, and what was put in.
    struct World {
        let store = MemoryObjectStore()
        let records = Records()
        let recipe: Recipe
        let recipeBytes: [UInt8]
        var deltas: [HeadDelta] = []
        var places: [AdapterPlace] = []

        init(hasBasis: Bool = false) async throws {
            var random = RandomSource(seed: 9)
            func head() -> LinearHead {
                LinearHead(weights: (0..<AdapterReaderTests.width).map { _ in Float(random.normal()) }, bias: 0.3)
            }
            var recipe = Recipe.plain(name: "plain", baseDigest: AdapterReaderTests.base, head: head())
            recipe.headWithoutData = head()
            if hasBasis {
                let directions = Matrix(
                    rows: 5, columns: AdapterReaderTests.width,
                    values: (0..<5 * AdapterReaderTests.width).map { _ in Float(random.normal()) / 7 })
                recipe.basis = HeadBasis(
                    directions: directions, projector: directions, meanFeature: head().weights, precision: .int4)
            }
            self.recipe = recipe
            recipeBytes = try recipe.encode()
            let digest = Recipe.digest(of: recipeBytes)
            var writer = PackWriter(
                provenance: AdapterProvenance(baseDigest: AdapterReaderTests.base, recipeDigest: digest),
                width: AdapterReaderTests.width)
            var entries: [Pack.Entry] = []
            for uid in 0..<3 {
                let dense = (0..<AdapterReaderTests.width).map { _ in Float(random.normal()) }
                let delta = try #require(
                    recipe.form.stored(dense, bias: -0.1, supportCount: 8, rowBudget: AdapterReaderTests.width / 2))
                deltas.append(delta)
                entries.append(writer.add(delta, uid: Int64(uid)))
            }
            let (bytes, sha256) = writer.finish()
            try await store.put(bytes, at: ObjectKey("t/pack"), sha256: Digest.hexadecimal(sha256))
            places = entries.map { entry in
                AdapterPlace(
                    uid: entry.uid, baseDigest: AdapterReaderTests.base, width: AdapterReaderTests.width, baseEpoch: 3,
                    recipeID: 5, recipeDigest: digest,
                    revision: StoredRevision(
                        id: entry.uid + 100, number: 1, dataThrough: 9, publishedAt: Date(timeIntervalSince1970: 0),
                        objectKey: "t/pack", range: Int(entry.offset)..<Int(entry.offset + entry.length),
                        sha256: entry.sha256))
            }
            let bytesOfRecipe = recipeBytes
            records.state.withLock { $0.recipes = [5: bytesOfRecipe] }
        }

        /// Reads as if the rows said these places, one after another.
        func read(_ places: AdapterPlace...) async throws -> CurrentAdapter {
            records.state.withLock { $0.places = places }
            return try await AdapterReader(records: records, store: store).current(tenant: "acme", user: "u-1")
        }
    }

    @Test(
        "each user of a pack is read by its range, and scores as a plain dense computation does",
        arguments: [false, true])
    func reads(hasBasis: Bool) async throws {
        let world = try await World(hasBasis: hasBasis)
        var random = RandomSource(seed: 4)
        let features = Matrix(
            rows: 5, columns: Self.width, values: (0..<5 * Self.width).map { _ in Float(random.normal()) / 7 })
        for (place, delta) in zip(world.places, world.deltas) {
            let adapter = try await world.read(place)
            #expect(adapter.delta == .head(delta) && adapter.recipe == world.recipe)
            let (weights, bias) = delta.dense()
            for (row, prediction) in try adapter.predictions(of: features).enumerated() {
                func score(_ head: LinearHead, _ weights: [Float], _ bias: Float) -> Double {
                    var sum = Double(head.bias) + Double(bias)
                    for column in 0..<Self.width {
                        sum += Double(features[row, column]) * (Double(head.weights[column]) + Double(weights[column]))
                    }
                    return 1 / (1 + Foundation.exp(-sum))
                }
                let none = [Float](repeating: 0, count: Self.width)
                let own = score(world.recipe.publishedStart, weights, bias)
                let general = score(world.recipe.headWithoutData, none, 0)
                #expect(abs(Double(prediction.withAdapter) - own) < 1e-6)
                #expect(abs(Double(prediction.withoutAdapter) - general) < 1e-6)
                #expect(abs(own - general) > 1e-4, "the adapter changes the score")
            }
        }
    }

    @Test("a user without a revision gets the head for everyone, and the file says the same")
    func withoutRevision() async throws {
        let world = try await World()
        var place = world.places[0]
        place.revision = nil
        let adapter = try await world.read(place)
        let head = try adapter.head
        #expect(adapter.delta == nil && head == world.recipe.headWithoutData)
        let file = try AdapterFile(decoding: try adapter.file.encoded(), at: "file")
        let start = try #require(file.start)
        #expect(try file.delta.applied(to: start) == adapter.head)
    }

    @Test("a pulled file applies by itself to the same head", arguments: [false, true])
    func pulledFile(hasBasis: Bool) async throws {
        let world = try await World(hasBasis: hasBasis)
        let adapter = try await world.read(world.places[1])
        let file = try AdapterFile(decoding: try adapter.file.encoded(), at: "file")
        let start = try #require(file.start)
        #expect(try file.delta.applied(to: start) == adapter.head)
        #expect(file.provenance.baseDigest == Self.base)
    }

    @Test("bytes, recipes, bases and widths that differ from their rows are refused by name")
    func mismatches() async throws {
        let world = try await World()
        let good = world.places[0]
        func refusal(_ change: (inout AdapterPlace) -> Void) async -> String? {
            var place = good
            change(&place)
            return await errorClass { _ = try await world.read(place) }
        }
        let other = world.places[1].revision
        #expect(await refusal { $0.revision?.sha256[0] ^= 1 } == "digest_mismatch")
        #expect(await refusal { $0.revision?.range = other?.range ?? 0..<1 } == "digest_mismatch")
        #expect(await refusal { $0.revision?.range = 0..<1_000_000 } == "range_not_satisfiable")
        #expect(await refusal { $0.revision?.objectKey = "t/absent" } == "object_missing")
        #expect(await refusal { $0.recipeDigest = String(repeating: "0", count: 64) } == "digest_mismatch")
        #expect(await refusal { $0.baseDigest = String(repeating: "0", count: 64) } == "base_mismatch")
        #expect(await refusal { $0.width = 47 } == "width_mismatch")
    }

    @Test("an adapter inside the encoder is no head: file and head refuse it in words")
    func insideTheEncoder() async throws {
        let world = try await World()
        let shape = SparseUserDelta.Shape(groups: .single(3), width: Self.width)
        let delta = try #require(
            SparseUserDelta(
                rounding: [1, 2, 3], kept: [true, true, false], head: [Float](repeating: 0.5, count: Self.width),
                bias: 0, (.int8, .int8), shape))
        let adapter = CurrentAdapter(place: world.places[0], delta: .sparse(delta), recipe: world.recipe)
        #expect(await errorClass { _ = try adapter.head } == "adapter_kind")
        #expect(await errorClass { _ = try adapter.file } == "adapter_kind")
        let features = Matrix(rows: 1, columns: Self.width)
        #expect(await errorClass { _ = try adapter.predictions(of: features) } == "adapter_kind")
    }

    @Test("an object that was repacked between the row and the read is found at its new place")
    func repacked() async throws {
        let world = try await World()
        var stale = world.places[2]
        stale.revision?.objectKey = "t/old"
        #expect(try await world.read(stale, world.places[2]).delta == .head(world.deltas[2]))
        #expect(await errorClass { _ = try await world.read(stale, stale) } == "object_missing")
    }

    @Test("a recipe is read once for many users")
    func recipesAreKept() async throws {
        let world = try await World()
        let places = world.places
        world.records.state.withLock { $0.places = places }
        let reader = AdapterReader(records: world.records, store: world.store)
        for _ in 0..<5 { _ = try await reader.current(tenant: "acme", user: "u") }
        #expect(world.records.state.withLock { $0.recipeReads } == 1)
    }

    @Test("the entity tag changes with the promotion, the revision and the recipe, and with nothing else")
    func entityTags() async throws {
        let world = try await World()
        let tag = try await world.read(world.places[0]).entityTag
        #expect(try await world.read(world.places[0]).entityTag == tag)
        var promoted = world.places[0]
        promoted.baseEpoch = 4
        var rolledBack = world.places[0]
        rolledBack.revision = nil
        for place in [promoted, rolledBack, world.places[1]] {
            #expect(try await world.read(place).entityTag != tag)
        }
    }

    private func errorClass(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Problem)?.errorClass ?? "\(error)"
        }
    }
}
