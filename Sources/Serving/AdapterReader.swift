import Artifacts
public import ObjectStore
import Problem
import Recipe
import Registry

/// Reads a user's adapter: pointer, one ranged GET, digest, frame, recipe; each checked against the one before.
public struct AdapterReader: Sendable {
    /// Times that an object which vanished is looked for anew: repacking moves bytes and then removes the old object.
    private static let lookUps = 3

    private let records: any AdapterRecords
    private let store: any ObjectStore
    private let recipes = RecipeCache(limit: 8)

    /// Reads rows from `records` and bytes from `store`.
    public init(records: any AdapterRecords, store: any ObjectStore) {
        self.records = records
        self.store = store
    }

    /// The adapter a user has now, verified.
    ///
    /// - Parameters:
    ///   - base: a base's name or digest; nil for the tenant's active base.
    ///   - number: one revision; nil for the one in use.
    /// - Throws: what the records, the store and the reader of frames refuse: among them `unknown_user`,
    ///   `object_missing`, `digest_mismatch`, `base_mismatch`, `provenance_mismatch`.
    public func current(
        tenant: String, user: String, base: String? = nil, number: Int32? = nil
    ) async throws -> CurrentAdapter {
        let location = "\(tenant)/\(Problem.excerpt(user))"
        var place = try await records.place(tenant: tenant, user: user, base: base, number: number)
        for _ in 1..<Self.lookUps {
            do {
                return try await read(place, at: location)
            } catch let problem as Problem where problem.errorClass == "object_missing" {
                let now = try await records.place(tenant: tenant, user: user, base: base, number: number)
                guard now != place else { throw problem }
                place = now
            }
        }
        return try await read(place, at: location)
    }

    private func read(_ place: AdapterPlace, at location: String) async throws -> CurrentAdapter {
        let recipe = try await recipe(of: place, at: location)
        guard let revision = place.revision else { return CurrentAdapter(place: place, delta: nil, recipe: recipe) }
        let named = "\(location) revision \(revision.number)"
        let frame = try await store.get(ObjectKey(revision.objectKey), range: revision.range)
        let digest = Digest.sha256(frame)
        guard digest == Digest.hexadecimal(revision.sha256) else {
            throw Problem(
                "digest_mismatch", at: named,
                "the stored bytes have SHA-256 \(digest), published was \(Digest.hexadecimal(revision.sha256)).",
                do: "restore \(revision.objectKey) from a copy, or adapt the user anew.")
        }
        let provenance = AdapterProvenance(baseDigest: place.baseDigest, recipeDigest: place.recipeDigest)
        var coder = AdapterFrameCoder(provenance: provenance, width: recipe.width, space: recipe.deltaSpace)
        return CurrentAdapter(place: place, delta: try coder.decode(frame, at: named), recipe: recipe)
    }

    /// The place's recipe, whose digest, base and width must be those of the rows that name it (invariant I6).
    private func recipe(of place: AdapterPlace, at location: String) async throws -> Recipe {
        if let known = recipes[place.recipeDigest] { return known }
        let bytes = try await records.recipeBytes(place.recipeID)
        let named = "recipe \(place.recipeDigest.prefix(8))…"
        let digest = Recipe.digest(of: bytes)
        guard digest == place.recipeDigest else {
            throw Problem(
                "digest_mismatch", at: named, "the registered file has SHA-256 \(digest).",
                do: "register the recipe again.")
        }
        let recipe = try Recipe(decoding: bytes, at: named)
        try recipe.check(baseDigest: place.baseDigest, at: location)
        guard recipe.baseWidth == place.width else {
            throw Problem(
                "width_mismatch", at: named,
                "it has \(recipe.baseWidth) features of a text, its base has \(place.width).",
                do: "register the base and the recipe again.")
        }
        recipes[place.recipeDigest] = recipe
        return recipe
    }
}
