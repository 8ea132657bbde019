package import Model
import Problem
import Queue
package import Recipe
import Registry

/// A recipe ready to adapt with.
package struct LoadedRecipe: Sendable {
    package let recipe: Recipe
    /// Hex SHA-256 of its file.
    package let digest: String
    /// Where its projected features are kept in the cache.
    package let space: FeatureSpace

    package init(recipe: Recipe, digest: String, space: FeatureSpace) {
        self.recipe = recipe
        self.digest = digest
        self.space = space
    }
}

/// Recipes by digest, read once; the eight used last are kept.
final class RecipeShelf: Sendable {
    private let inputs: AdaptationInputs
    private let bases: BaseShelf
    private let shelf = DigestShelf<LoadedRecipe>(limit: 8)

    init(inputs: AdaptationInputs, bases: BaseShelf) {
        self.inputs = inputs
        self.bases = bases
    }

    /// The recipe that a chunk was resolved to, checked against the bases this worker holds (invariant I6).
    ///
    /// - Throws: `base_not_held`, and as ``recipe(id:digest:base:)`` does.
    func recipe(of chunk: ClaimedChunk) async throws -> LoadedRecipe {
        _ = try bases.encoder(of: chunk.baseDigest, at: chunk.tenant)
        return try await recipe(id: chunk.recipeID, digest: chunk.recipeDigest, base: chunk.baseDigest)
    }

    /// A recipe under a base, both by digest.
    ///
    /// - Throws: `digest_mismatch`, `base_mismatch`, `unknown_recipe`, and what a malformed recipe file gives.
    func recipe(id: Int32, digest: String, base: String) async throws -> LoadedRecipe {
        try await shelf.value(of: digest) { try await load(id, digest, base) }
    }

    private func load(_ id: Int32, _ digest: String, _ base: String) async throws -> LoadedRecipe {
        let location = "recipe \(id)"
        let bytes = try await inputs.recipeBytes(id)
        guard Recipe.digest(of: bytes) == digest else {
            throw Problem(
                "digest_mismatch", at: location, "its bytes are not those that were registered.",
                do: "register the recipe again and activate it.")
        }
        let recipe = try Recipe(decoding: bytes, at: location)
        try recipe.check(baseDigest: base, at: location)
        let space = FeatureSpace(baseDigest: base, site: "projected/\(digest)")
        return LoadedRecipe(recipe: recipe, digest: digest, space: space)
    }
}
