import Adapters
import Foundation
import PostgresTestSupport
import Recipe
import Registry
import Testing

@Suite(.needsBinary, .timeLimit(.minutes(3))) struct RecipeCommandTests {
    private static let base = String(repeating: "ab", count: 32)

    /// Registers a recipe as meta-training does.
    private func register(_ name: String, bias: Float, _ database: TestDatabase) async throws -> (String, [UInt8]) {
        let bytes = try Recipe.plain(
            name: name, baseDigest: Self.base, head: LinearHead(weights: [0.5, -1, 2], bias: bias)
        ).encode()
        return try await database.withPool { pool in
            let registry = Registry(pool)
            try await registry.registerBase(name: "minilm", digest: Self.base, width: 3)
            let digest = try await registry.registerRecipe(
                bytes, name: name, baseDigest: Self.base, tenant: "acme", figuresJSON: "{}")
            return (digest, bytes)
        }
    }

    @Test("a recipe is listed, shown, activated and exported by name or by the first digits of its digest")
    func recipes() async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("tenant", "create", "acme")
            let (first, bytes) = try await register("plain", bias: 0, attune.database)
            let (second, _) = try await register("plain", bias: 1, attune.database)
            let ambiguous = try await attune.run("recipe", "show", "--tenant", "acme", "plain")
            #expect(ambiguous.status == 2 && ambiguous.errors.contains(": ambiguous: 2 recipes are called plain: "))
            let unknown = try await attune.run("recipe", "show", "--tenant", "acme", "other")
            #expect(unknown.status == 4 && unknown.errors.contains(": unknown_recipe: "))
            let active = try await attune.succeed("recipe", "activate", "--tenant", "acme", String(first.prefix(8)))
            #expect(active.output == "active     \(first.prefix(8)) for acme's jobs, epoch 1\n")
            let size = String(bytes.count)
            #expect(
                try await attune.succeed("recipe", "list", "--tenant", "acme").golden == """
                    RECIPE    NAME   BASE    ACTIVE  BYTES  REGISTERED
                    \(second.prefix(8))  plain  minilm  –       \(String(repeating: " ", count: 5 - size.count))\(size)  DATE
                    \(first.prefix(8))  plain  minilm  yes     \(String(repeating: " ", count: 5 - size.count))\(size)  DATE

                    """)
            let shown = try #require(
                try await attune.succeed("recipe", "show", "--tenant", "acme", first, "--json").objects.first)
            #expect(shown["width"] as? Int == 3)
            try await attune.succeed("recipe", "export", "--tenant", "acme", first, "--to", "out.safetensors")
            #expect(try [UInt8](Data(contentsOf: attune.folder.appending(path: "out.safetensors"))) == bytes)
        }
    }

    @Test("a base serves a tenant once it is activated, and one that is not registered is named")
    func bases() async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("tenant", "create", "acme")
            _ = try await register("plain", bias: 0, attune.database)
            let unknown = try await attune.run("base", "activate", "--tenant", "acme", "nothing")
            #expect(unknown.status == 4 && unknown.errors.hasPrefix("error: acme: unknown_base: "))
            let active = try await attune.succeed("base", "activate", "--tenant", "acme", "minilm")
            #expect(active.output == "active     minilm serves acme, epoch 1\n")
            #expect(
                try await attune.succeed("base", "list").golden == """
                    BASE    DIGEST    FEATURES  ACTIVE FOR  REGISTERED
                    minilm  abababab         3  acme        DATE

                    """)
            let folder = try await attune.run("base", "add", "nowhere")
            #expect(folder.status == 8 && folder.errors.contains(": base_incomplete: "))
        }
    }
}
