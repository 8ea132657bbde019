public import FoundationEssentials
import Postgres
import Problem
import Schema

/// A user of a tenant, in a list.
public struct ListedUser: Sendable, Equatable {
    /// The surrogate id that hot tables carry.
    public let uid: Int64
    /// The tenant's own id.
    public let id: String
    /// Examples recorded so far.
    public let dataSeq: Int64
}

/// How a user stands under the tenant's active base.
public struct UserStatus: Sendable, Equatable {
    /// The surrogate id that hot tables carry.
    public let uid: Int64
    /// Examples recorded so far.
    public let examples: Int64
    /// Examples that no adaptation has looked at yet.
    public let newerExamples: Int64
    /// Number of the revision in use; nil: the recipe's start.
    public let revision: Int?
    /// When that revision was published.
    public let publishedAt: Date?
    /// Up to which example it has seen the data.
    public let dataThrough: Int64?
    /// Its size in the store.
    public let storedBytes: Int?
    /// The active base's name.
    public let base: String?
    /// The digest of the recipe that made the revision.
    public let recipeDigest: String?
    /// When the first example was recorded.
    public let createdAt: Date

    init(_ row: Row) throws(PostgresError) {
        uid = try row.decode("uid")
        examples = try row.decode("examples")
        newerExamples = try row.decode("newer_examples")
        revision = try row.decode("revision")
        publishedAt = try row.decode("published_at")
        dataThrough = try row.decode("data_through")
        storedBytes = try row.decode("stored_bytes")
        base = try row.decode("base")
        recipeDigest = try row.decode("recipe")
        createdAt = try row.decode("created_at")
    }
}

/// One accepted adapter of a user.
public struct UserRevision: Sendable, Equatable {
    /// The row's id.
    public let revisionID: Int64
    /// Counts the user's revisions under this base, from 1.
    public let number: Int
    /// The revision it started from; nil: the recipe's start.
    public let parent: Int?
    /// The base's name.
    public let base: String
    /// The digest of the recipe that made it.
    public let recipeDigest: String
    /// The job that made it.
    public let jobID: Int64
    /// Up to which example it has seen the data.
    public let dataThrough: Int64
    /// When it was published.
    public let publishedAt: Date
    /// Its size in the store.
    public let storedBytes: Int?
    /// Whether the user uses it under that base.
    public let isCurrent: Bool

    init(_ row: Row) throws(PostgresError) {
        revisionID = try row.decode("revision_id")
        number = try row.decode("number")
        parent = try row.decode("parent")
        base = try row.decode("base")
        recipeDigest = try row.decode("recipe")
        jobID = try row.decode("job_id")
        dataThrough = try row.decode("data_through")
        publishedAt = try row.decode("published_at")
        storedBytes = try row.decode("stored_bytes")
        isCurrent = try row.decode("is_current")
    }
}

extension Registry {
    /// A page of a tenant's users, in the order of their surrogate ids; the last one's is the next page's `after`.
    public func users(of tenant: String, after uid: Int64 = 0, limit: Int) async throws -> [ListedUser] {
        try await pool.execute(
            Statement(SQL.Queries.tenantUsers), [.text(tenant), .int64(uid), .int64(Int64(limit))]
        ).map { row in
            let (uid, id, dataSeq) = try row.values(Int64.self, String.self, Int64.self)
            return ListedUser(uid: uid, id: id, dataSeq: dataSeq)
        }
    }

    /// How a user stands.
    ///
    /// - Throws: `unknown_user`.
    public func user(_ id: String, of tenant: String) async throws -> UserStatus {
        let rows = try await pool.execute(Statement(SQL.Queries.userStatus), [.text(tenant), .text(id)])
        guard let row = try rows.oneOrNone() else { throw unknownUser(id, tenant) }
        return try UserStatus(row)
    }

    /// A user's revisions under every base, newest first, at most `limit`.
    public func revisions(uid: Int64, limit: Int = 100) async throws -> [UserRevision] {
        try await pool.execute(
            Statement(SQL.Queries.userRevisions), [.int64(uid), .int64(Int64(limit))]
        ).map { try UserRevision($0) }
    }

    func unknownUser(_ id: String, _ tenant: String) -> Problem {
        Problem(
            "unknown_user", at: "\(Problem.excerpt(tenant))/\(Problem.excerpt(id))", "no such user.",
            do: "record examples of the user first, or check the id.")
    }
}
