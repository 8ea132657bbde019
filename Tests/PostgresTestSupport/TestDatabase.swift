import Foundation
public import Postgres
import Schema

/// A database of a test's own, dropped when the test ends.
public struct TestDatabase: Sendable {
    /// The database's name.
    public let name: String
    /// A superuser's connection string for it.
    public let conninfo: String

    /// What the database holds at first.
    public enum Content: Sendable {
        /// Schema `attune`, migrated.
        case migrated
        /// Nothing.
        case empty
    }

    /// Why a test's database could not be given back in order.
    public struct Leak: Error, CustomStringConvertible {
        /// The statements that the forgotten connections ran last.
        public let description: String
    }

    /// Runs `body` with a database made for it.
    ///
    /// - Throws: what `body` throws; ``Leak`` when it leaves a connection open.
    @discardableResult
    public static func with<Result>(
        _ content: Content = .migrated, _ body: (TestDatabase) async throws -> Result
    ) async throws -> Result {
        let run = try await TestRun.shared.begin()
        let name = "\(run)_\(UInt32.random(in: 0 ... .max))"
        let source = content == .migrated ? try await TestRun.shared.template() : "template1"
        try await TestRun.administer("CREATE DATABASE \(name) TEMPLATE \(source)")
        let database = TestDatabase(name: name, conninfo: try TestRun.conninfo(of: name))
        do {
            let result = try await body(database)
            try await database.requireNoConnections()
            try await TestRun.administer("DROP DATABASE \(name) WITH (FORCE)")
            return result
        } catch {
            try await TestRun.administer("DROP DATABASE \(name) WITH (FORCE)")
            throw error
        }
    }

    /// Runs `body` with a connection, and closes it.
    @discardableResult
    public func withConnection<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
        let connection = try await Connection.open(conninfo, options: TestRun.options)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Runs `body` with a pool, and closes it.
    @discardableResult
    public func withPool<Result>(limit: Int = 4, _ body: (ConnectionPool) async throws -> Result) async throws -> Result
    {
        try await ConnectionPool.with(conninfo, limit: limit, options: TestRun.options, body)
    }

    /// A closed connection's server process ends a moment later; one that stays was forgotten.
    private func requireNoConnections() async throws {
        let end = ContinuousClock.now + .seconds(5)
        while true {
            let left = try await TestRun.ask(
                "SELECT query FROM pg_stat_activity WHERE datname = $1", [.text(name)]
            ).map { try $0.decode(0, as: String.self) }
            if left.isEmpty { return }
            guard ContinuousClock.now < end else {
                throw Leak(description: "\(left.count) connections were left open; they last ran: \(left)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
