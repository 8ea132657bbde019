import Postgres
import Schema

/// Where a revision's bytes lie, and what they belong to: one ranged GET, then the digest.
public struct StoredAdapter: Sendable, Equatable {
    /// The revision's row.
    public let revisionID: Int64
    /// The user's surrogate id.
    public let uid: Int64
    /// The user's revisions are counted from 1 under each base.
    public let number: Int
    /// Digest of the base it was made for, hexadecimal.
    public let baseDigest: String
    /// Digest of the recipe that made it, hexadecimal.
    public let recipeDigest: String
    /// Key of the object that holds it.
    public let objectKey: String
    /// The bytes of the object that are this adapter's.
    public let range: Range<Int>
    /// SHA-256 of those bytes.
    public let sha256: [UInt8]

    init(_ row: Row) throws(PostgresError) {
        revisionID = try row.decode("revision_id")
        uid = try row.decode("uid")
        number = try row.decode("number")
        baseDigest = try row.decode("base_digest")
        recipeDigest = try row.decode("recipe_digest")
        objectKey = try row.decode("key")
        let (offset, length) = (try row.decode("offset", as: Int.self), try row.decode("length", as: Int.self))
        range = offset..<offset + length
        sha256 = try row.decode("sha256")
    }
}

/// What a user has under the tenant's active base.
public struct CurrentAdapter: Sendable, Equatable {
    /// The user's surrogate id.
    public let uid: Int64
    /// The active base's digest, hexadecimal; nil: none is active.
    public let baseDigest: String?
    /// Rises with each promotion; part of every ETag. 0: no base is active.
    public let baseEpoch: Int64
    /// The adapter; nil: the recipe's start serves this user.
    public let adapter: StoredAdapter?

    init(_ row: Row) throws(PostgresError) {
        uid = try row.decode("uid")
        baseDigest = try row.decode("base_digest")
        baseEpoch = try row.decode("base_epoch", as: Int64?.self) ?? 0
        adapter = try row.decode("revision_id", as: Int64?.self) == nil ? nil : try StoredAdapter(row)
    }
}

extension Registry {
    /// What users of a tenant have now, by user id; users that are not known are left out.
    public func currentAdapters(_ users: [String], of tenant: String) async throws -> [String: CurrentAdapter] {
        let rows = try await pool.execute(Statement(SQL.Queries.currentAdapters), [.text(tenant), .array(users)])
        var adapters: [String: CurrentAdapter] = Dictionary(minimumCapacity: rows.count)
        for row in rows { adapters[try row.decode("user_id")] = try CurrentAdapter(row) }
        return adapters
    }

    /// What one user has now.
    ///
    /// - Throws: `unknown_user`.
    public func currentAdapter(_ user: String, of tenant: String) async throws -> CurrentAdapter {
        guard let adapter = try await currentAdapters([user], of: tenant)[user] else { throw unknownUser(user, tenant) }
        return adapter
    }

    /// Where the bytes of revisions lie, by revision id; revisions that are gone (erased) are left out.
    public func adapters(revisions: [Int64]) async throws -> [Int64: StoredAdapter] {
        let rows = try await pool.execute(Statement(SQL.Queries.revisionAdapters), [.array(revisions)])
        var adapters: [Int64: StoredAdapter] = Dictionary(minimumCapacity: rows.count)
        for row in rows {
            let adapter = try StoredAdapter(row)
            adapters[adapter.revisionID] = adapter
        }
        return adapters
    }
}
