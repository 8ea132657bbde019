import Postgres
import PostgresTestSupport
import Problem
import Schema
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct MigratorTests {
    static let files = [
        SQLFile(
            name: "migrations/V0001_a.sql", text: "CREATE TABLE attune.a (n int);\nINSERT INTO attune.a VALUES (1);"),
        SQLFile(name: "migrations/V0002_b.sql", text: "CREATE TABLE attune.b (n int);"),
        SQLFile(name: "functions/f.sql", text: Self.function(returning: "count(*) FROM attune.v")),
        SQLFile(name: "views/v.sql", text: "CREATE OR REPLACE VIEW attune.v AS SELECT n FROM attune.a"),
    ]

    static func function(returning body: String) -> String {
        "CREATE OR REPLACE FUNCTION attune.f() RETURNS bigint LANGUAGE sql AS 'SELECT \(body)'"
    }

    @Test("everything is applied once, then nothing")
    func appliesOnce() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let migrator = Migrator(files: Self.files)
                let first = try await migrator.migrate(connection)
                #expect(first.applied == ["migrations/V0001_a.sql", "migrations/V0002_b.sql"])
                #expect(first.replacedDefinitions)
                #expect(first.version == 2)
                #expect(try await migrator.migrate(connection) == Migrator.Report(version: 2))
                #expect(try await call("attune.f()", connection) == 1)
                try await migrator.requireUsable(connection)
            }
        }
    }

    @Test("twenty migrators at once leave what one leaves")
    func concurrentMigrators() async throws {
        try await TestDatabase.with(.empty) { database in
            let reports = try await withThrowingTaskGroup(of: Migrator.Report.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await database.withConnection(Migrator(files: Self.files).migrate) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(reports.flatMap(\.applied).sorted() == ["migrations/V0001_a.sql", "migrations/V0002_b.sql"])
            #expect(reports.filter(\.replacedDefinitions).count == 1)
            #expect(reports.allSatisfy { $0.version == 2 })
            #expect(try await database.withConnection { try await call("(SELECT count(*) FROM attune.a)", $0) } == 1)
        }
    }

    @Test("twenty real migrators at once succeed")
    func concurrentRealMigrators() async throws {
        try await TestDatabase.with(.empty) { database in
            try await withThrowingTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { _ = try await database.withConnection(Migrator().migrate) }
                }
                try await group.waitForAll()
            }
            try await database.withConnection(Migrator().requireUsable)
        }
    }

    @Test("a changed function or view is applied again, by a program that knows all versions")
    func replacesDefinitions() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                _ = try await Migrator(files: Self.files).migrate(connection)
                let changed = SQLFile(name: "functions/f.sql", text: Self.function(returning: "42::bigint"))
                let newer = Self.files.map { $0.name == changed.name ? changed : $0 }
                #expect(try await Migrator(files: newer).migrate(connection).replacedDefinitions)
                #expect(try await call("attune.f()", connection) == 42)

                let third = SQLFile(name: "migrations/V0003_c.sql", text: "CREATE TABLE attune.c (n int)")
                _ = try await Migrator(files: newer + [third]).migrate(connection)
                let older = try await Migrator(files: Self.files).migrate(connection)
                #expect(older == Migrator.Report(version: 3))
                #expect(try await call("attune.f()", connection) == 42)
            }
        }
    }

    @Test("a newer breaking version stops an older program, and a newer harmless one does not")
    func newerBreakingSchema() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let third = SQLFile(name: "migrations/V0003_c.sql", text: "-- breaking\nDROP TABLE attune.b;")
                _ = try await Migrator(files: Self.files + [third]).migrate(connection)
                let older = Migrator(files: Self.files)
                for attempt in [
                    { _ = try await older.migrate(connection) }, { try await older.requireUsable(connection) },
                ] {
                    let problem = try await #require(throws: Problem.self) { try await attempt() }
                    #expect(problem.errorClass == "schema_newer")
                    #expect(problem.reason == "schema V0003 is breaking, this attune knows V0002.")
                    #expect(problem.location.hasSuffix("/\(database.name)"))
                }
            }
        }
    }

    @Test("an applied migration whose text changed is refused")
    func changedMigration() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                _ = try await Migrator(files: Self.files).migrate(connection)
                let changed = SQLFile(name: "migrations/V0001_a.sql", text: "CREATE TABLE attune.a (n bigint);")
                let problem = try await #require(throws: Problem.self) {
                    try await Migrator(files: [changed] + Self.files.dropFirst()).migrate(connection)
                }
                #expect(problem.errorClass == "migration_changed")
            }
        }
    }

    @Test("a migration that fails leaves nothing of itself, and is named")
    func failingMigration() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let text = "CREATE TABLE attune.c (n int);\nSELECT 1 / 0;"
                let third = SQLFile(name: "migrations/V0003_c.sql", text: text)
                let error = try await #require(throws: PostgresError.self) {
                    try await Migrator(files: Self.files + [third]).migrate(connection)
                }
                #expect(error.statement == "migrations/V0003_c.sql")
                #expect(try await call("(SELECT max(version)::bigint FROM attune.schema_version)", connection) == 2)
                #expect(try await call("(SELECT count(to_regclass('attune.c')))", connection) == 0)
            }
        }
    }

    @Test("a database without the schema, or with an older one, asks for attune migrate")
    func missingAndOlder() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let migrator = Migrator(files: Self.files)
                var problem = try await #require(throws: Problem.self) { try await migrator.requireUsable(connection) }
                #expect(problem.errorClass == "schema_missing")
                _ = try await Migrator(files: [Self.files[0]]).migrate(connection)
                problem = try await #require(throws: Problem.self) { try await migrator.requireUsable(connection) }
                #expect(problem.errorClass == "schema_older")
                #expect(problem.remedy == "attune migrate")
            }
        }
    }

    private func call(_ expression: String, _ connection: Connection) async throws -> Int64 {
        try await connection.execute(Statement(name: "call", text: "SELECT \(expression)")).one().decode(0)
    }
}
