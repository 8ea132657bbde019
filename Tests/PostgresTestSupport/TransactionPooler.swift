import Foundation
import Postgres
public import Testing

/// A pgbouncer in transaction mode before a test's database, whose clients share two connections to the server.
public struct TransactionPooler: Sendable {
    /// Where clients connect.
    public let conninfo: String
    /// Connections that the clients share.
    public static let serverConnections = 2

    /// pgbouncer's program, where it is installed.
    static let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Runs `body` with a pooler before `database`; it is gone afterwards, and its connections with it.
    ///
    /// - Throws: what `body` throws, and what starting pgbouncer throws.
    public static func with<Result>(
        _ database: TestDatabase, _ body: (TransactionPooler) async throws -> Result
    ) async throws -> Result {
        let folder = URL(filePath: "/tmp/attune-pooler-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
        let process = Process()
        process.executableURL = URL(filePath: try #require(program, "pgbouncer is not installed"))
        let settings = try await settings(for: database, in: folder.path)
        try settings.write(to: folder.appending(path: "pgbouncer.ini"), atomically: true, encoding: .utf8)
        // It refuses to run as root; the account is the one that PostgreSQL's package makes.
        process.arguments = ["-q"] + (getuid() == 0 ? ["-u", "postgres"] : []) + ["\(folder.path)/pgbouncer.ini"]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        func end() throws {
            // It has nothing to save, and a child of a process that blocks SIGTERM does not hear of it.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try FileManager.default.removeItem(at: folder)
        }
        do {
            let conninfo = "host=\(folder.path) port=6432 dbname=\(database.name)"
            let result = try await body(TransactionPooler(conninfo: conninfo))
            try end()
            return result
        } catch {
            try end()
            throw error
        }
    }

    private static func settings(for database: TestDatabase, in folder: String) async throws -> String {
        let sql = """
            SELECT coalesce(host(inet_server_addr()), split_part(current_setting('unix_socket_directories'), ',', 1)),
                current_setting('port'), current_user::text
            """
        let (host, port, user) = try await database.withConnection { connection in
            try await connection.execute(Statement(name: "where", text: sql)).one().values(
                String.self, String.self, String.self)
        }
        return """
            [databases]
            \(database.name) = host=\(host) port=\(port) user=\(user)
            [pgbouncer]
            listen_addr =
            unix_socket_dir = \(folder)
            listen_port = 6432
            auth_type = any
            pool_mode = transaction
            default_pool_size = \(serverConnections)
            ignore_startup_parameters = extra_float_digits
            logfile = \(folder)/log

            """
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips, saying why, unless there is a pgbouncer to test with.
    public static var needsPooler: Self {
        .enabled(if: TransactionPooler.program != nil, "apt-get install pgbouncer")
    }
}
