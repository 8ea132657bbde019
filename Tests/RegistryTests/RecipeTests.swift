import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct RecipeTests {
    @Test("a base is known by its digest; its name and width cannot mean another")
    func bases() async throws {
        try await withRegistry { registry, _ in
            let id = try await registry.registerBase(name: "minilm", digest: baseDigest, width: 384)
            #expect(try await registry.registerBase(name: "minilm", digest: baseDigest, width: 384) == id)
            #expect(try await registry.registerBase(name: "alias", digest: baseDigest, width: 384) == id)
            let other = String(repeating: "cd", count: 32)
            #expect(
                await refusal { try await registry.registerBase(name: "minilm", digest: other, width: 384) }?.errorClass
                    == "base_mismatch")
            #expect(
                await refusal { try await registry.registerBase(name: "minilm", digest: baseDigest, width: 768) }?
                    .errorClass
                    == "base_mismatch")
            #expect(
                await refusal { try await registry.registerBase(name: "x", digest: "ab", width: 1) }?.errorClass
                    == "bad_base")
            let bases = try await registry.bases()
            #expect(bases.map(\.name) == ["minilm"] && bases[0].width == 384 && bases[0].digest == baseDigest)
        }
    }

    @Test("a base is promoted by name or digest, and the epoch rises only when something changes")
    func promotion() async throws {
        try await withRegistry { registry, _ in
            try await registry.registerBase(name: "one", digest: baseDigest, width: 384)
            try await registry.registerBase(name: "two", digest: String(repeating: "cd", count: 32), width: 384)
            #expect(try await registry.promote(base: "one", for: "acme") == 1)
            #expect(try await registry.promote(base: baseDigest, for: "acme") == 1)
            #expect(try await registry.promote(base: "two", for: "acme") == 2)
            #expect(try await registry.tenant("acme").activeBase?.name == "two")
            #expect(
                await refusal { try await registry.promote(base: "three", for: "acme") }?.errorClass == "unknown_base")
        }
    }

    @Test("a recipe is registered once, listed, activated, and its bytes come back")
    func recipes() async throws {
        try await withRegistry { registry, _ in
            try await registry.registerBase(name: "minilm", digest: baseDigest, width: 384)
            try await registry.createTenant("birch")
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let digest = try await registry.registerRecipe(
                bytes, name: "first", baseDigest: baseDigest, tenant: "acme", figuresJSON: #"{"auc": {"4": 0.61}}"#)
            #expect(
                try await registry.registerRecipe(bytes, name: "again", baseDigest: baseDigest, tenant: "acme")
                    == digest)
            let shared = try await registry.registerRecipe([1], name: "shared", baseDigest: baseDigest, tenant: nil)

            let listed = try await registry.recipes(for: "acme")
            #expect(listed.map(\.digest) == [shared, digest])
            #expect(listed[1].name == "first" && listed[1].byteCount == bytes.count && listed[1].baseName == "minilm")
            #expect(listed[1].figuresJSON == #"{"auc": {"4": 0.61}}"# && listed[1].kind == "adapt")
            #expect(try await registry.recipes(for: "birch").map(\.digest) == [shared])
            #expect(try await registry.recipeBytes(digest) == bytes)

            #expect(try await registry.activeRecipe(for: "acme") == nil)
            #expect(try await registry.activateRecipe(digest, for: "acme") == 1)
            #expect(try await registry.activeRecipe(for: "acme") == nil)
            try await registry.promote(base: "minilm", for: "acme")
            let active = try await registry.activeRecipe(for: "acme")
            #expect(active?.digest == digest && active?.baseDigest == baseDigest)
            #expect(active?.baseEpoch == 1 && active?.recipeEpoch == 1)
            #expect(try await registry.recipes(for: "acme").map(\.isActive) == [false, true])
        }
    }

    @Test("what a recipe cannot be is refused by name")
    func refusedRecipes() async throws {
        try await withRegistry { registry, _ in
            func register(
                _ bytes: [UInt8] = [1], _ name: String = "r", _ base: String = baseDigest, _ kind: String = "adapt"
            ) async
                -> String?
            {
                await refusal {
                    try await registry.registerRecipe(bytes, name: name, baseDigest: base, tenant: "acme", kind: kind)
                }?.errorClass
            }
            #expect(await register() == "unknown_base")
            try await registry.registerBase(name: "minilm", digest: baseDigest, width: 384)
            #expect(await register([], "r") == "bad_recipe")
            #expect(await register([1], "") == "bad_recipe")
            #expect(await register([1], "r", baseDigest, "dance") == "unknown_kind")
            #expect(await register() == nil)
            let missing = String(repeating: "00", count: 32)
            #expect(await refusal { _ = try await registry.recipeBytes(missing) }?.errorClass == "unknown_recipe")
            #expect(
                await refusal { try await registry.activateRecipe(missing, for: "acme") }?.errorClass
                    == "unknown_recipe")
        }
    }

    @Test("another tenant's recipe can be neither used nor read")
    func othersRecipes() async throws {
        try await withRegistry { registry, _ in
            try await registry.registerBase(name: "minilm", digest: baseDigest, width: 384)
            try await registry.createTenant("birch")
            let digest = try await registry.registerRecipe([7], name: "theirs", baseDigest: baseDigest, tenant: "birch")
            #expect(
                await refusal { try await registry.activateRecipe(digest, for: "acme") }?.errorClass == "unknown_recipe"
            )
            #expect(try await registry.recipes(for: "acme").isEmpty)
        }
    }
}
