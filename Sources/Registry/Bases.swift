public import FoundationEssentials
import Postgres
import Schema

/// A frozen model that is known.
public struct RegisteredBase: Sendable, Equatable {
    /// The surrogate id that rows carry.
    public let id: Int32
    /// The name it was registered under.
    public let name: String
    /// SHA-256 over weights, configuration and tokenizer, hexadecimal.
    public let digest: String
    /// Number of pooled features.
    public let width: Int
    /// When it became known.
    public let registeredAt: Date
}

extension Registry {
    /// Makes a base known, or finds it by its digest, and returns its id. Refused: `bad_base`, `base_mismatch` when the name
    /// belongs to another digest or the width differs.
    @discardableResult
    public func registerBase(name: String, digest: String, width: Int) async throws -> Int32 {
        try await pool.execute(
            Statement(SQL.Queries.registerBase), [.text(name), .text(digest), .int32(Int32(clamping: width))]
        ).one().decode(0)
    }

    /// Every base, in the order of registration.
    public func bases() async throws -> [RegisteredBase] {
        try await pool.execute(Statement(SQL.Queries.bases)).map { row in
            let (id, name, digest, width, registeredAt) = try row.values(
                Int32.self, String.self, String.self, Int.self, Date.self)
            return RegisteredBase(id: id, name: name, digest: digest, width: width, registeredAt: registeredAt)
        }
    }

    /// Makes a base, by name or digest, the one that serves a tenant; returns the epoch. Promoting the previous one again is
    /// the way back. Refused: `unknown_tenant`, `unknown_base`.
    @discardableResult
    public func promote(base: String, for tenant: String) async throws -> Int64 {
        try await pool.execute(Statement(SQL.Queries.promoteBase), [.text(tenant), .text(base)]).one().decode(0)
    }
}
