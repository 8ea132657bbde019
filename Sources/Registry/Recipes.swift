public import FoundationEssentials
import Postgres
import Problem
import Schema

/// A recipe file that is known, without its bytes.
public struct RegisteredRecipe: Sendable, Equatable {
    /// SHA-256 of the file, hexadecimal.
    public let digest: String
    /// The name in the file.
    public let name: String
    /// The kind of job it is for.
    public let kind: String
    /// The name of the base it is tied to.
    public let baseName: String
    /// That base's digest, hexadecimal.
    public let baseDigest: String
    /// Size of the file.
    public let byteCount: Int
    /// When it became known.
    public let registeredAt: Date
    /// The figures it was accepted on, as JSON.
    public let figuresJSON: String
    /// Whether every tenant may use it.
    public let isShared: Bool
    /// Whether the tenant's jobs use it under its base.
    public let isActive: Bool

    init(_ row: Row) throws(PostgresError) {
        digest = try row.decode("digest")
        name = try row.decode("name")
        kind = try row.decode("kind")
        baseName = try row.decode("base")
        baseDigest = try row.decode("base_digest")
        byteCount = try row.decode("byte_count")
        registeredAt = try row.decode("registered_at")
        figuresJSON = try row.decode("figures")
        isShared = try row.decode("is_shared")
        isActive = try row.decode("is_active")
    }
}

/// The recipe and base that serve a tenant now.
public struct ActiveRecipe: Sendable, Equatable {
    /// SHA-256 of the recipe file, hexadecimal.
    public let digest: String
    /// The active base's digest, hexadecimal.
    public let baseDigest: String
    /// Rises with each promotion of a base.
    public let baseEpoch: Int64
    /// Rises with each activation of a recipe under this base.
    public let recipeEpoch: Int64
}

extension Registry {
    /// Makes a recipe file known, for one tenant, or for all (`tenant` nil: operators only), and returns its digest. The same
    /// file again changes nothing. Refused: `unknown_tenant`, `unknown_base`, `unknown_kind`, `bad_recipe`, `not_allowed`.
    @discardableResult
    public func registerRecipe(
        _ bytes: [UInt8], name: String, baseDigest: String, tenant: String?, kind: String = "adapt",
        figuresJSON: String = "{}"
    ) async throws -> String {
        try await pool.execute(
            Statement(SQL.Queries.registerRecipe),
            [.text(tenant), .text(baseDigest), .text(kind), .text(name), .json(figuresJSON), .bytes(bytes)]
        ).one().decode(0)
    }

    /// The recipes a tenant may use, newest first.
    public func recipes(for tenant: String) async throws -> [RegisteredRecipe] {
        try await pool.execute(Statement(SQL.Queries.recipes), [.text(tenant)]).map { try RegisteredRecipe($0) }
    }

    /// A recipe's bytes.
    ///
    /// - Throws: `unknown_recipe`. The caller checks the bytes against the digest when it decodes them.
    public func recipeBytes(_ digest: String) async throws -> [UInt8] {
        guard let row = try await pool.execute(Statement(SQL.Queries.recipeFile), [.text(digest)]).oneOrNone() else {
            throw Problem(
                "unknown_recipe", at: Problem.excerpt(digest), "no recipe with that digest that this role may use.",
                do: "attune recipe list")
        }
        return try row.decode(0)
    }

    /// Lets a tenant's jobs under the recipe's base use it from their next claim on; returns the epoch. Refused:
    /// `unknown_tenant`, `unknown_recipe`.
    @discardableResult
    public func activateRecipe(_ digest: String, for tenant: String) async throws -> Int64 {
        try await pool.execute(Statement(SQL.Queries.activateRecipe), [.text(tenant), .text(digest)]).one().decode(0)
    }

    /// What serves a tenant now; nil while it has no active base, or no active recipe under it.
    public func activeRecipe(for tenant: String, kind: String = "adapt") async throws -> ActiveRecipe? {
        let rows = try await pool.execute(Statement(SQL.Queries.activeRecipe), [.text(tenant), .text(kind)])
        guard let row = try rows.oneOrNone() else { return nil }
        return ActiveRecipe(
            digest: try row.decode("digest"), baseDigest: try row.decode("base_digest"),
            baseEpoch: try row.decode("base_epoch"), recipeEpoch: try row.decode("recipe_epoch"))
    }
}
