package import Model
import Problem
import Queue
package import Recipe
import Registry
import Synchronization

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
    private let base: CachedEncoder
    private let shelf = Mutex<[LoadedRecipe]>([])
    private static let limit = 8

    init(inputs: AdaptationInputs, base: CachedEncoder) {
        self.inputs = inputs
        self.base = base
    }

    /// The recipe that a chunk was resolved to, checked against the base this worker holds (invariant I6).
    ///
    /// - Throws: `base_mismatch`, `digest_mismatch`, `unknown_recipe`, and what a malformed recipe file gives.
    func recipe(of chunk: ClaimedChunk) async throws -> LoadedRecipe {
        guard chunk.baseDigest == base.encoder.digest else {
            throw Problem(
                "base_mismatch", at: chunk.tenant,
                "the chunk wants base \(chunk.baseDigest.prefix(8))…, this worker holds \(base.encoder.digest.prefix(8))….",
                do: "start workers with --base for it; the jobs wait.", isRetryable: true)
        }
        let known = shelf.withLock { shelf -> LoadedRecipe? in
            guard let index = shelf.firstIndex(where: { $0.digest == chunk.recipeDigest }) else { return nil }
            shelf.append(shelf.remove(at: index))
            return shelf.last
        }
        if let known { return known }
        let loaded = try await load(chunk)
        shelf.withLock { shelf in
            shelf.append(loaded)
            if shelf.count > Self.limit { shelf.removeFirst() }
        }
        return loaded
    }

    private func load(_ chunk: ClaimedChunk) async throws -> LoadedRecipe {
        let location = "recipe \(chunk.recipeID)"
        let bytes = try await inputs.recipeBytes(chunk.recipeID)
        guard Recipe.digest(of: bytes) == chunk.recipeDigest else {
            throw Problem(
                "digest_mismatch", at: location, "its bytes are not those that were registered.",
                do: "register the recipe again and activate it.")
        }
        let recipe = try Recipe(decoding: bytes, at: location)
        try recipe.check(baseDigest: chunk.baseDigest, at: location)
        let space = FeatureSpace(baseDigest: chunk.baseDigest, site: "projected/\(chunk.recipeDigest)")
        return LoadedRecipe(recipe: recipe, digest: chunk.recipeDigest, space: space)
    }
}
