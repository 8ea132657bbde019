public import FoundationEssentials
import Postgres
import Problem
import Schema

/// A customer, and what serves its users now.
public struct Tenant: Sendable, Equatable {
    /// The surrogate id that rows carry.
    public let id: Int32
    /// The name people use.
    public let name: String
    /// First component of the keys of the tenant's objects; never changes.
    public let keyPrefix: String
    /// When it was made.
    public let createdAt: Date
    /// The base that serves it; nil before the first promotion.
    public let activeBase: ActiveBase?

    /// A promoted base.
    public struct ActiveBase: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Its digest, hexadecimal.
        public let digest: String
        /// Rises with each promotion.
        public let epoch: Int64
    }

    init(_ row: Row) throws(PostgresError) {
        id = try row.decode("tenant_id")
        name = try row.decode("name")
        keyPrefix = try row.decode("key_prefix")
        createdAt = try row.decode("created_at")
        let epoch: Int64? = try row.decode("base_epoch")
        activeBase =
            if let epoch {
                ActiveBase(name: try row.decode("base"), digest: try row.decode("base_digest"), epoch: epoch)
            } else { nil }
    }
}

/// What a database role may do for a tenant.
public enum TenantAccess: String, Sendable, CaseIterable {
    /// See the tenant's rows.
    case read
    /// Also record, enqueue, cancel, roll back and erase.
    case produce
}

extension Registry {
    /// Makes a tenant with its three flows and returns its id. Refused: `bad_name`, `already_exists`.
    @discardableResult
    public func createTenant(_ name: String) async throws -> Int32 {
        try await pool.execute(Statement(SQL.Queries.createTenant), [.text(name)]).one().decode(0)
    }

    /// Every tenant the caller may see, by name.
    public func tenants() async throws -> [Tenant] {
        try await pool.execute(Statement(SQL.Queries.tenants)).map { try Tenant($0) }
    }

    /// One tenant.
    ///
    /// - Throws: `unknown_tenant`.
    public func tenant(_ name: String) async throws -> Tenant {
        guard let row = try await pool.execute(Statement(SQL.Queries.tenant), [.text(name)]).oneOrNone() else {
            throw Problem(
                "unknown_tenant", at: Problem.excerpt(name), "no tenant of that name that this role acts for.",
                do: "attune tenant list, or attune tenant create \(Problem.excerpt(name))")
        }
        return try Tenant(row)
    }

    /// Lets a database role act for a tenant. Refused: `unknown_tenant`, `unknown_role`.
    public func mapRole(_ role: String, to tenant: String, access: TenantAccess) async throws {
        try await pool.execute(
            Statement(SQL.Queries.mapRole), [.text(tenant), .text(role), .text(access.rawValue)])
    }
}
