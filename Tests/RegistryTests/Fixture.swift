import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

/// A digest that no file has.
let baseDigest = String(repeating: "ab", count: 32)

/// Runs `body` with a registry over a database of its own that has the tenant `acme`.
func withRegistry(_ body: (Registry, TestDatabase) async throws -> Void) async throws {
    try await TestDatabase.with { database in
        try await database.withPool { pool in
            let registry = Registry(pool)
            try await registry.createTenant("acme")
            try await body(registry, database)
        }
    }
}

/// What `body` refuses, as people read it.
func refusal(_ body: () async throws -> Void) async -> Problem? {
    do { try await body() } catch { return (error as? any ProblemConvertible)?.problem }
    return nil
}
