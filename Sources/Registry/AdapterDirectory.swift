public import Foundation
public import Postgres
import Problem
import Schema

/// What a user has under one base, and where it lies.
public struct AdapterPlace: Sendable, Hashable {
    /// The user's surrogate id.
    public var uid: Int64
    /// The base the adapter fits, 64 hexadecimal digits.
    public var baseDigest: String
    /// Number of the base's pooled features.
    public var width: Int
    /// Rises with each promotion; nil when the base is not the tenant's active one.
    public var baseEpoch: Int64?
    /// The revision's recipe; without a revision the one that is active.
    public var recipeID: Int32
    /// SHA-256 of that recipe's file, 64 hexadecimal digits.
    public var recipeDigest: String
    /// The revision; nil when the user has what the recipe gives to everyone.
    public var revision: StoredRevision?

    /// States a place, as fakes do.
    public init(
        uid: Int64, baseDigest: String, width: Int, baseEpoch: Int64?, recipeID: Int32, recipeDigest: String,
        revision: StoredRevision?
    ) {
        self.uid = uid
        self.baseDigest = baseDigest
        self.width = width
        self.baseEpoch = baseEpoch
        self.recipeID = recipeID
        self.recipeDigest = recipeDigest
        self.revision = revision
    }
}

/// One accepted adapter of a user and the bytes of the store that hold it.
public struct StoredRevision: Sendable, Hashable {
    /// The database's id.
    public var id: Int64
    /// What people call it: counts the user's revisions under the base from 1.
    public var number: Int32
    /// How many of the user's examples it has seen.
    public var dataThrough: Int64
    /// When it was published.
    public var publishedAt: Date
    /// The object of the store.
    public var objectKey: String
    /// Its bytes in the object.
    public var range: Range<Int>
    /// SHA-256 of those bytes.
    public var sha256: [UInt8]

    /// States a revision, as fakes do.
    public init(
        id: Int64, number: Int32, dataThrough: Int64, publishedAt: Date, objectKey: String, range: Range<Int>,
        sha256: [UInt8]
    ) {
        self.id = id
        self.number = number
        self.dataThrough = dataThrough
        self.publishedAt = publishedAt
        self.objectKey = objectKey
        self.range = range
        self.sha256 = sha256
    }
}

/// Finds users' adapters; one query each.
public struct AdapterDirectory: Sendable {
    private let pool: ConnectionPool

    /// Reads through a pool, whose role sees only its tenants.
    public init(_ pool: ConnectionPool) { self.pool = pool }

    /// Where a user's adapter lies now.
    ///
    /// - Parameters:
    ///   - base: a base's name or digest; nil for the tenant's active base.
    ///   - number: one revision; nil for the one in use.
    /// - Throws: `unknown_tenant`, `unknown_user`, `unknown_base`, `no_active_base`, `no_active_recipe` (where there is
    ///   no revision either), `unknown_revision`, `revision_without_bytes`.
    public func place(
        tenant: String, user: String, base: String? = nil, number: Int32? = nil
    ) async throws -> AdapterPlace {
        let parameters: Parameters = [.text(tenant), .text(user), .text(base), .int32(number)]
        guard let row = try await pool.execute(Statement(SQL.Queries.currentAdapter), parameters).oneOrNone() else {
            throw Problem(
                "unknown_tenant", at: Problem.excerpt(tenant), "no tenant of that name that this role acts for.",
                do: "check the name, or have an operator map the role with attune.map_role.")
        }
        let location = "\(tenant)/\(Problem.excerpt(user))"
        guard let uid = try row.decode("uid", as: Int64?.self) else {
            throw Problem(
                "unknown_user", at: tenant, "no user \(Problem.excerpt(user)).",
                do: "record examples of the user first.")
        }
        guard let baseDigest = try row.decode("base_digest", as: String?.self) else {
            throw Self.noBase(base, at: tenant)
        }
        let revision = try Self.revision(of: row, at: location)
        if let number, revision == nil {
            throw Problem(
                "unknown_revision", at: location, "no revision \(number) under base \(baseDigest.prefix(8))….",
                do: "look at the user: attune user \(tenant) \(Problem.excerpt(user)).")
        }
        guard let recipeID = try row.decode("recipe_id", as: Int32?.self) else {
            throw Problem(
                "no_active_recipe", at: tenant, "no recipe is active under base \(baseDigest.prefix(8))….",
                do: "attune recipe activate, then again.")
        }
        return AdapterPlace(
            uid: uid, baseDigest: baseDigest, width: Int(try row.decode("width", as: Int32.self)),
            baseEpoch: try row.decode("base_epoch"), recipeID: recipeID,
            recipeDigest: try row.decode("recipe_digest"), revision: revision)
    }

    private static func noBase(_ base: String?, at tenant: String) -> Problem {
        guard let base else {
            return Problem(
                "no_active_base", at: tenant, "the tenant has no active base.",
                do: "register one and run SELECT attune.promote(tenant, base).")
        }
        return Problem(
            "unknown_base", at: tenant, "no base \(Problem.excerpt(base)).", do: "see attune base list.")
    }

    private static func revision(of row: Row, at location: String) throws -> StoredRevision? {
        guard let id = try row.decode("revision_id", as: Int64?.self) else { return nil }
        let number = try row.decode("number", as: Int32.self)
        guard let key = try row.decode("key", as: String?.self) else {
            throw Problem(
                "revision_without_bytes", at: location, "nothing says where revision \(number) lies.",
                do: "the user was erased or the revision has expired; ask again for the current one.")
        }
        let offset = Int(try row.decode("offset", as: Int32.self))
        return StoredRevision(
            id: id, number: number, dataThrough: try row.decode("data_through"),
            publishedAt: try row.decode("published_at"), objectKey: key,
            range: offset..<offset + Int(try row.decode("length", as: Int32.self)), sha256: try row.decode("sha256"))
    }
}
