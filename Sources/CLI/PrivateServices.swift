import Embedded
import Foundation
import Glibc
import Postgres
import Schema

/// Servers of a measurement's own under a temporary folder: durable as in production, gone at the end however it ends.
enum PrivateServices {
    /// Calls `body` with an empty folder that PostgreSQL, which runs under an account of its own, can reach.
    static func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = "/tmp/attune-bench-\(getpid())"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        defer { Terminal.removeFolder(folder) }
        return try await body(folder)
    }

    /// Calls `body` with a migrated database on a server of its own.
    static func withDatabase<Result>(
        connections: Int, _ body: (_ folder: String, _ conninfo: String, ConnectionPool) async throws -> Result
    ) async throws -> Result {
        try await withFolder { folder in
            let server = PostgresServer(folder: "\(folder)/postgres")
            try server.start(isDurable: true)
            defer { Terminal.reporting { try server.stop() } }
            let database = try await Connection.open(server.conninfo)
            _ = try await Migrator().migrate(database)
            await database.close()
            return try await ConnectionPool.with(server.conninfo, limit: connections) {
                try await body(folder, server.conninfo, $0)
            }
        }
    }

    /// Calls `body` with a deployment for worker processes: database, S3 store and base, written down in the folder.
    static func withDeployment<Result>(
        base: String, connections: Int, _ body: (_ folder: String, ConnectionPool) async throws -> Result
    ) async throws -> Result {
        try await withFolder { folder in
            let services = Services(directory: folder, store: "s3", endpoint: nil, base: base, isDurable: true)
            let deployment = try await services.start()
            defer { Terminal.reporting { try services.stop() } }
            try deployment.write(to: folder)
            return try await ConnectionPool.with(deployment.conninfo, limit: connections) { try await body(folder, $0) }
        }
    }
}
