public import Postgres
import Problem

/// Brings a database's schema `attune` to the state this program was built with.
///
/// `sql/migrations` are applied once each, in order, each in a transaction of its own; `sql/functions` and `sql/views` are
/// applied again, all in one transaction, whenever any of their texts differs from what was applied last. Any number of
/// migrators may run at once: each step holds a lock and looks again under it.
public struct Migrator: Sendable {
    private let migrations: [Migration]
    private let repeatables: [SQLFile]

    /// What ``migrate(_:)`` did.
    public struct Report: Sendable, Equatable {
        /// The names of the migrations this call applied.
        public var applied: [String]
        /// Whether functions and views were applied.
        public var replacedDefinitions: Bool
        /// The newest version the schema now has, this program's or a newer one.
        public var version: Int32

        package init(applied: [String] = [], replacedDefinitions: Bool = false, version: Int32 = 0) {
            (self.applied, self.replacedDefinitions, self.version) = (applied, replacedDefinitions, version)
        }
    }

    /// A migrator of the files embedded in this program.
    public init() { self.init(files: SQL.all) }

    /// A migrator of the given files. Traps on migrations that are misnamed or not numbered 1, 2, 3, …: a defect of the
    /// build, which the tests find.
    package init(files: [SQLFile]) {
        migrations = files.filter { $0.name.hasPrefix("migrations/") }.map { file in
            guard let migration = Migration(file) else { preconditionFailure("misnamed migration \(file.name)") }
            return migration
        }.sorted { $0.version < $1.version }
        precondition(migrations.map(\.version) == Array(1...Int32(migrations.count)), "migrations are not 1, 2, 3, …")
        // Functions first: views call them. A function may still name a view, its body is not looked into yet.
        repeatables =
            files.filter { $0.name.hasPrefix("functions/") }.sorted { $0.name < $1.name }
            + files.filter { $0.name.hasPrefix("views/") }.sorted { $0.name < $1.name }
    }

    /// The newest version this program knows.
    public var version: Int32 { Int32(migrations.count) }

    /// Applies what is missing. The connection's role owns what is created.
    ///
    /// - Throws: `schema_newer` when the database has a breaking version that this program does not know,
    ///   `migration_changed` when an applied migration has another text here; both leave everything as it was.
    ///   `PostgresError` naming the file when a statement fails; steps before it stay.
    public func migrate(_ connection: Connection) async throws -> Report {
        var report = Report()
        for migration in migrations {
            let isNew = try await step(connection) { applied in
                guard !applied.contains(where: { $0.version == migration.version }) else { return false }
                try await record(
                    migration.version, migration.file.name, migration.digest, migration.isBreaking, connection)
                try await connection.executeScript(Statement(migration.file))
                return true
            }
            if isNew { report.applied.append(migration.file.name) }
        }
        let digest = Migration.digest(of: repeatables.map { "\($0.name)\n\($0.text)" }.joined(separator: "\n"))
        (report.version, report.replacedDefinitions) = try await step(connection) { applied in
            let newest = applied.map(\.version).max() ?? 0
            // A newer program's definitions belong to its newer tables.
            let isCurrent = applied.contains { $0.version == 0 && $0.digest == digest }
            guard newest <= version, !isCurrent, !repeatables.isEmpty else { return (newest, false) }
            try await connection.execute(Statement(SQL.Migrator.allowLaterDefinitions))
            for file in repeatables { try await connection.executeScript(Statement(file)) }
            try await record(0, "functions and views", digest, false, connection)
            return (newest, true)
        }
        return report
    }

    /// Makes sure that this program can work with the database as it is, without changing anything.
    ///
    /// - Throws: `schema_missing` or `schema_older` when `migrate` is needed first, `schema_newer`, `migration_changed`.
    public func requireUsable(_ connection: Connection) async throws {
        let present = try await connection.execute(Statement(SQL.Migrator.hasVersionTable)).one().decode(
            0, as: Bool.self)
        guard present else {
            throw Problem(
                "schema_missing", at: connection.server, "there is no schema attune.", do: "attune migrate")
        }
        let newest = try await appliedVersions(connection).map(\.version).max() ?? 0
        guard newest >= version else {
            throw Problem(
                "schema_older", at: connection.server,
                "schema \(Migration.label(newest)), this attune needs \(Migration.label(version)).",
                do: "attune migrate")
        }
    }

    private typealias Applied = (version: Int32, name: String, digest: String, isBreaking: Bool)

    /// Runs one step alone among migrators, in a transaction, with what has been applied as of now.
    private func step<Result>(
        _ connection: Connection, _ body: ([Applied]) async throws -> Result
    ) async throws -> Result {
        try await connection.withTransaction { connection in
            try await connection.execute(Statement(SQL.Migrator.lock))
            try await connection.executeScript(Statement(SQL.Migrator.versionTable))
            return try await body(try await appliedVersions(connection))
        }
    }

    /// What has been applied, once it is known to agree with this program.
    private func appliedVersions(_ connection: Connection) async throws -> [Applied] {
        let rows = try await connection.execute(Statement(SQL.Migrator.appliedVersions))
        let applied: [Applied] = try rows.map { try $0.values(Int32.self, String.self, String.self, Bool.self) }
        if let newer = applied.last(where: { $0.version > version && $0.isBreaking }) {
            throw Problem(
                "schema_newer", at: connection.server,
                "schema \(Migration.label(newer.version)) is breaking, this attune knows \(Migration.label(version)).",
                do: "install a newer attune; nothing was changed.")
        }
        for migration in migrations {
            guard let known = applied.first(where: { $0.version == migration.version }) else { continue }
            guard known.digest == migration.digest else {
                throw Problem(
                    "migration_changed", at: connection.server,
                    "\(known.name) was applied with SHA-256 \(known.digest.prefix(8)), this attune has "
                        + "\(migration.file.name) with \(migration.digest.prefix(8)).",
                    do: "use the attune that made this schema, or one that follows it; nothing was changed.")
            }
        }
        return applied
    }

    private func record(
        _ version: Int32, _ name: String, _ digest: String, _ isBreaking: Bool, _ connection: Connection
    ) async throws {
        try await connection.execute(
            Statement(SQL.Migrator.recordVersion), [.int32(version), .text(name), .text(digest), .bool(isBreaking)])
    }
}
