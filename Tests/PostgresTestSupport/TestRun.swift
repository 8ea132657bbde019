import Foundation
import Postgres
import Schema

/// The databases of one test process: a migrated template, made once, and copies of it.
///
/// All their names begin with the run's own, which is also the application name of a connection that lives as long as the
/// process. So whatever a killed run leaves behind, the next one recognises and drops.
actor TestRun {
    static let shared = TestRun()
    static let prefix = "attune_test_"

    static let options: ConnectionOptions = {
        var options = ConnectionOptions()
        // A server that twenty clients connect to at once, on two cores, may drop one.
        options.reconnect = .connecting
        return options
    }()

    private let name = "\(prefix)\(ProcessInfo.processInfo.processIdentifier)_\(UInt32.random(in: 0 ... .max))"
    private var beginning: Task<Connection, any Error>?
    private var migration: Task<String, any Error>?

    /// The run's name; the first call drops what dead runs left.
    func begin() async throws -> String {
        let task = beginning ?? Task { try await Self.startRun(name) }
        beginning = task
        _ = try await task.value
        return name
    }

    /// The name of the migrated template.
    func template() async throws -> String {
        let task = migration ?? Task { try await Self.makeTemplate("\(name)_template") }
        migration = task
        return try await task.value
    }

    private static func startRun(_ name: String) async throws -> Connection {
        var options = options
        options.applicationName = name
        let keeper = try await Connection.open(try PostgresServer.requireConninfo(), options: options)
        let leftovers = try await keeper.execute(
            Statement(
                name: "leftovers",
                text: """
                    SELECT d.datname FROM pg_database d WHERE starts_with(d.datname, $1) AND NOT EXISTS (
                        SELECT FROM pg_stat_activity a WHERE starts_with(d.datname, a.application_name)
                            AND starts_with(a.application_name, $1))
                    """), [.text(prefix)])
        for row in leftovers {
            let leftover: String = try row.decode(0)
            try await keeper.executeScript(
                Statement(name: "drop leftover", text: "DROP DATABASE IF EXISTS \(leftover) WITH (FORCE)"))
        }
        return keeper
    }

    private static func makeTemplate(_ name: String) async throws -> String {
        try await administer("CREATE DATABASE \(name)")
        let connection = try await Connection.open(try conninfo(of: name), options: options)
        _ = try await Migrator().migrate(connection)
        await connection.close()
        // A template can be copied only when nobody is connected to it.
        let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
        while try await ask(left, [.text(name)]).one().decode(0, as: Int64.self) > 0 {
            try await Task.sleep(for: .milliseconds(2))
        }
        return name
    }

    /// The connection string of another database of the server, with more settings if need be.
    static func conninfo(of database: String, _ settings: String...) throws -> String {
        let given = try PostgresServer.requireConninfo()
        let added = ["dbname=\(database)"] + settings
        guard given.contains("://") else { return ([given] + added).joined(separator: " ") }
        return given + (given.contains("?") ? "&" : "?") + added.joined(separator: "&")
    }

    static func administer(_ sql: String) async throws {
        try await withAdministrator { try await $0.executeScript(Statement(name: sql, text: sql)) }
    }

    static func ask(_ sql: String, _ parameters: Parameters) async throws -> Rows {
        try await withAdministrator { try await $0.execute(Statement(name: sql, text: sql), parameters) }
    }

    private static func withAdministrator<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
        let connection = try await Connection.open(try PostgresServer.requireConninfo(), options: options)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}
