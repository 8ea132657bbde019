import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct TenantTests {
    @Test("a tenant is made once, listed, and found by name")
    func makingTenants() async throws {
        try await withRegistry { registry, _ in
            let id = try await registry.createTenant("birch")
            #expect(try await registry.tenants().map(\.name) == ["acme", "birch"])
            let birch = try await registry.tenant("birch")
            #expect(birch.id == id && birch.keyPrefix == "birch" && birch.activeBase == nil)
            #expect(await refusal { try await registry.createTenant("birch") }?.errorClass == "already_exists")
            #expect(await refusal { try await registry.createTenant("No Name") }?.errorClass == "bad_name")
            #expect(await refusal { _ = try await registry.tenant("cedar") }?.errorClass == "unknown_tenant")
        }
    }

    @Test("a role sees only the tenants it is mapped to, and may change only those it produces for")
    func roles() async throws {
        try await withRegistry { registry, database in
            try await registry.createTenant("birch")
            let role = "\(database.name)_app"
            try await database.withConnection { connection in
                try await connection.executeScript(
                    Statement(name: "role", text: "CREATE ROLE \(role) LOGIN; GRANT attune_producer TO \(role)"))
            }
            try await registry.mapRole(role, to: "acme", access: .produce)
            try await registry.mapRole(role, to: "birch", access: .read)
            #expect(
                await refusal { try await registry.mapRole("nobody", to: "acme", access: .read) }?.errorClass
                    == "unknown_role")
            try await registry.createTenant("cedar")

            let pool = ConnectionPool(database.conninfo + " user=\(role)")
            let theirs = Registry(pool)
            #expect(try await theirs.tenants().map(\.name) == ["acme", "birch"])
            let item = CatalogueItem(id: "m1", text: "a quiet novel")
            try await theirs.importCatalogue([item], of: "acme")
            #expect(
                await refusal { try await theirs.importCatalogue([item], of: "birch") }?.errorClass == "not_allowed")
            #expect(
                await refusal { try await theirs.importCatalogue([item], of: "cedar") }?.errorClass == "unknown_tenant")
            #expect(await refusal { try await theirs.createTenant("dogwood") }?.errorClass == "not_allowed")
            #expect(try await theirs.catalogueItems(of: "acme", limit: 10).map(\.id) == ["m1"])
            await pool.close()
            try await database.withConnection { connection in
                try await connection.executeScript(
                    Statement(name: "role", text: "DROP OWNED BY \(role); DROP ROLE \(role)"))
            }
        }
    }
}
