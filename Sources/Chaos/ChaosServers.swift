import Embedded
import Foundation
import Glibc
import Postgres
import Problem
import Schema

/// A PostgreSQL and an S3 server of a run's own, on a small disk where one can be mounted.
final class ChaosServers: Sendable {
    let postgres: PostgresServer
    let store: S3Server
    /// PostgreSQL's disk; nil where this process may not mount one.
    let volume: MemoryVolume?
    /// Why there is no small disk.
    let volumeProblem: String?
    static let bucket = "chaos"

    /// Starts both in a folder that exists.
    init(folder: String, accessKey: String, secretKey: String) async throws {
        let home = "\(folder)/pg"
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        do {
            volume = try MemoryVolume(mountedOn: home, mebibytes: 4096)
            volumeProblem = nil
        } catch let problem as Problem {
            volume = nil
            volumeProblem = problem.reason
        }
        postgres = PostgresServer(folder: home)
        store = S3Server(folder: "\(folder)/s3", accessKey: accessKey, secretKey: secretKey)
        do {
            try await start()
        } catch {
            try await stop()
            throw error
        }
    }

    private func start() async throws {
        async let storeIsUp: Void = offPool { [store] in try store.start() }
        try await offPool { [postgres] in try postgres.start() }
        let connection = try await Connection.open(postgres.conninfo)
        _ = try await Migrator().migrate(connection)
        try await connection.execute(Statement(SQL.Chaos.smallerWal))
        try await connection.execute(Statement(SQL.Chaos.reload))
        await connection.close()
        try await storeIsUp
    }

    /// The Unix socket that PostgreSQL listens on, for proxies to connect to.
    var postgresSocket: String { "\(postgres.folder)/socket/.s.PGSQL.5432" }

    /// The port of the S3 server.
    func storePort() throws -> UInt16 {
        let endpoint = try store.endpoint()
        guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw Problem("defect", at: endpoint, "has no port.", do: "please report it.")
        }
        return port
    }

    /// Makes sure that PostgreSQL runs, whatever state it was left in: children of a dead postmaster may hold its memory
    /// a moment longer, and a start after a full disk may find it full still.
    func ensurePostgres() async throws {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            do { return try await offPool { [postgres] in try postgres.start() } } catch {
                guard ContinuousClock.now < end else { throw error }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Ends both and takes the disk away.
    func stop() async throws {
        try await offPool { [store, postgres, volume] in
            try store.stop()
            try postgres.stop(immediate: true)
            try volume?.unmount()
        }
    }
}

extension ChaosServers {
    /// How many jobs were published without a lease, counted each time.
    func jobsWithoutLease() throws -> Int {
        Sabotage.jobsWithoutLease(in: try String(contentsOfFile: "\(postgres.folder)/log", encoding: .utf8))
    }
}

extension ChaosRun {
    /// What workers and schedulers find in their environment besides what is each one's own.
    static func environment(_ configuration: Configuration, _ site: ChaosSite) -> [String: String] {
        [
            "ATTUNE_STORE": "s3://\(ChaosServers.bucket)", "ATTUNE_BASE": site.basePaths[0],
            "ATTUNE_DIR": configuration.folder, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": keys.access,
            "AWS_SECRET_ACCESS_KEY": keys.secret,
        ]
    }
}
