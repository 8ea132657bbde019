import Foundation
import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct AdapterDirectoryTests {
    static let base = String(repeating: "a1", count: 32)
    static let otherBase = String(repeating: "b2", count: 32)
    static let recipe = String(repeating: "c3", count: 32)

    /// A tenant with two bases, a recipe under the first, a user with two revisions and a user with none.
    static let setUp = """
        DO $$
        DECLARE
            t int := attune.create_tenant('acme');
            b int; c int; o bigint; u bigint;
        BEGIN
            INSERT INTO attune.base (digest, name, width) VALUES ('\(base)', 'small', 384), ('\(otherBase)', 'large', 768);
            SELECT base_id INTO b FROM attune.base WHERE name = 'small';
            INSERT INTO attune.recipe (base_id, kind_id, digest, name, byte_count) VALUES (b, 1, '\(recipe)', 'r', 3)
            RETURNING recipe_id INTO c;
            INSERT INTO attune."user" (tenant_id, user_id) VALUES (t, 'u-1') RETURNING uid INTO u;
            INSERT INTO attune."user" (tenant_id, user_id) VALUES (t, 'u-2');
            INSERT INTO attune.object (tenant_id, key, sha256, byte_count)
            VALUES (t, 'acme/1-1-x', decode(repeat('00', 32), 'hex'), 1000) RETURNING object_id INTO o;
            FOR n IN 1..2 LOOP
                INSERT INTO attune.revision (uid, job_id, data_through, tenant_id, base_id, recipe_id, number)
                VALUES (u, n, n * 10, t, b, c, n);
                INSERT INTO attune.object_slot (revision_id, object_id, uid, tenant_id, "offset", length, sha256)
                VALUES (currval('attune.revision_revision_id_seq'), o, u, t, 80 * n, 40 + n, decode(repeat('0' || n, 32), 'hex'));
            END LOOP;
            INSERT INTO attune.pointer (uid, base_id, tenant_id, revision_id, number, recipe_id, judged_through)
            VALUES (u, b, t, currval('attune.revision_revision_id_seq'), 2, c, 20);
        END $$
        """

    private func withAcme(_ body: (AdapterDirectory, ConnectionPool) async throws -> Void) async throws {
        try await TestDatabase.with { database in
            try await database.withPool { pool in
                _ = try await pool.execute(Statement(name: "set_up", text: Self.setUp))
                try await body(AdapterDirectory(pool), pool)
            }
        }
    }

    private func run(_ text: String, _ pool: ConnectionPool) async throws {
        _ = try await pool.execute(Statement(name: "test", text: text))
    }

    @Test("the current revision, an earlier one, and none are found with their bytes' place")
    func places() async throws {
        try await withAcme { directory, pool in
            try await run("SELECT attune.promote('acme', 'small')", pool)
            let current = try await directory.place(tenant: "acme", user: "u-1")
            #expect(current.baseDigest == Self.base && current.width == 384 && current.baseEpoch == 1)
            #expect(current.recipeDigest == Self.recipe)
            let revision = try #require(current.revision)
            #expect(revision.number == 2 && revision.dataThrough == 20 && revision.range == 160..<202)
            #expect(revision.objectKey == "acme/1-1-x" && revision.sha256 == [UInt8](repeating: 2, count: 32))
            let first = try await directory.place(tenant: "acme", user: "u-1", number: 1)
            #expect(first.revision?.range == 80..<121)
            try await run("SELECT attune.activate_recipe('acme', '\(Self.recipe)')", pool)
            let none = try await directory.place(tenant: "acme", user: "u-2")
            #expect(none.revision == nil && none.recipeDigest == Self.recipe)
            try await run("SELECT attune.rollback('acme', 'u-1', 0, 2)", pool)
            #expect(try await directory.place(tenant: "acme", user: "u-1").revision == nil)
        }
    }

    @Test("another base than the active one is found by name and digest, and has no epoch")
    func namedBase() async throws {
        try await withAcme { directory, pool in
            for base in ["small", Self.base] {
                let place = try await directory.place(tenant: "acme", user: "u-1", base: base)
                #expect(place.revision?.number == 2 && place.baseEpoch == nil)
            }
            try await run("SELECT attune.promote('acme', 'large')", pool)
            #expect(try await directory.place(tenant: "acme", user: "u-1", base: "small").baseEpoch == nil)
            // No pointer under the active base: never the adapter of the old one.
            #expect(
                await errorClass { _ = try await directory.place(tenant: "acme", user: "u-1") } == "no_active_recipe")
        }
    }

    @Test("what is not there is named: tenant, user, base, recipe, revision")
    func unknowns() async throws {
        try await withAcme { directory, pool in
            func refusal(
                _ tenant: String, _ user: String, base: String? = nil, number: Int32? = nil
            ) async -> String? {
                await errorClass {
                    _ = try await directory.place(tenant: tenant, user: user, base: base, number: number)
                }
            }
            #expect(await refusal("nobody", "u-1") == "unknown_tenant")
            #expect(await refusal("acme", "u-9") == "unknown_user")
            #expect(await refusal("acme", "u-1") == "no_active_base")
            #expect(await refusal("acme", "u-1", base: "huge") == "unknown_base")
            #expect(await refusal("acme", "u-2", base: "small") == "no_active_recipe")
            #expect(await refusal("acme", "u-1", base: "small", number: 3) == "unknown_revision")
            try await run("DELETE FROM attune.object_slot WHERE length = 41", pool)
            #expect(await refusal("acme", "u-1", base: "small", number: 1) == "revision_without_bytes")
        }
    }

    @Test("a role sees its own tenants' adapters; another's tenant looks like none (invariant I7)")
    func rowLevelSecurity() async throws {
        try await TestDatabase.with { database in
            try await database.withPool { pool in
                let role = "\(database.name)_reader"
                try await run(Self.setUp, pool)
                for text in [
                    "SELECT attune.create_tenant('birch')", "CREATE ROLE \(role)", "GRANT attune_reader TO \(role)",
                    "SELECT attune.map_role('birch', '\(role)', 'read')",
                ] { try await run(text, pool) }
                let reader = ConnectionPool(database.conninfo + " options='-c role=\(role)'", limit: 1)
                let directory = AdapterDirectory(reader)
                func refusal(_ tenant: String) async -> String? {
                    await errorClass { _ = try await directory.place(tenant: tenant, user: "u-1", base: "small") }
                }
                let before = [await refusal("acme"), await refusal("birch")]
                try await run("SELECT attune.map_role('acme', '\(role)', 'read')", pool)
                let after = await refusal("acme")
                await reader.close()
                for text in ["DROP OWNED BY \(role)", "DROP ROLE \(role)"] { try await run(text, pool) }
                #expect(before == ["unknown_tenant", "unknown_user"])
                #expect(after == nil)
            }
        }
    }

    private func errorClass(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Problem)?.errorClass ?? "\(error)"
        }
    }
}
