import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

/// A digest that no file has.
let baseDigest = String(repeating: "ab", count: 32)

/// Runs `body` with a registry over a database of its own that has the tenant `acme`.
func withRegistry(_ body: (Registry, TestDatabase) async throws -> Void) async throws {
    try await withPool { pool, database in try await body(Registry(pool), database) }
}

/// Runs `body` with a registry and a worker's reads over a database of its own, whose tenant `acme` has a catalogue of items
/// `m1` to `m40`, and with those items' ids.
func withCatalogue(_ body: (Registry, AdaptationInputs, [String: Int32]) async throws -> Void) async throws {
    try await withPool { pool, _ in
        let registry = Registry(pool)
        try await registry.importCatalogue((1...40).map { CatalogueItem(id: "m\($0)", text: "book \($0)") }, of: "acme")
        let stored = try await registry.catalogueItems(of: "acme", limit: 100)
        let ids = Dictionary(uniqueKeysWithValues: stored.map { ($0.id, $0.itemID) })
        try await body(registry, AdaptationInputs(pool), ids)
    }
}

private func withPool(_ body: (ConnectionPool, TestDatabase) async throws -> Void) async throws {
    try await TestDatabase.with { database in
        try await database.withPool { pool in
            try await Registry(pool).createTenant("acme")
            try await body(pool, database)
        }
    }
}

/// What `body` refuses, as people read it.
func refusal(_ body: () async throws -> Void) async -> Problem? {
    do { try await body() } catch { return (error as? any ProblemConvertible)?.problem }
    return nil
}
