import Foundation
import Glibc
import Problem

/// A private PostgreSQL in a folder: made on first start, reached only through a Unix socket in that folder.
///
/// PostgreSQL refuses to run as root; under root it runs as the account `postgres`, which the Debian package makes.
public struct PostgresServer: Sendable {
    /// The server's folder: `data`, `socket` and `log`.
    public let folder: String
    private static let account = "postgres"

    /// Names the folder; nothing is made or started.
    public init(folder: String) { self.folder = folder }

    /// Where clients connect, as a libpq conninfo: the socket, or the port of loopback that a throwaway server opens.
    public var conninfo: String {
        let host = port == Self.socketPort ? "\(folder)/socket" : "127.0.0.1 port=\(port)"
        return "host=\(host) dbname=attune user=attune"
    }

    /// What names the socket of a server that listens on no port.
    private static let socketPort = 5432

    /// The port that the server was made with.
    private var port: Int {
        let text = try? String(contentsOfFile: portFile, encoding: .utf8)
        return text?.split(whereSeparator: \.isNewline).first.flatMap { Int($0) } ?? Self.socketPort
    }

    private var portFile: String { "\(folder)/port" }

    /// The process id of the postmaster, nil when it is not running.
    public var processID: Int32? { ServerProcess(pidFile: "\(folder)/data/postmaster.pid").processID }

    /// Starts the server and waits until it answers, creating cluster and database if they are missing.
    ///
    /// - Parameter isDurable: false is for tests that throw the data away: `fsync` is off, and the server also listens on
    ///   a free port of loopback, where a test's proxy can stand in between.
    /// - Throws: `tool_missing`, `path_too_long`, or `tool_failed` with the end of the server's log.
    public func start(isDurable: Bool = true) throws {
        if processID != nil { return }
        let socket = "\(folder)/socket"
        guard socket.utf8.count < 90 else {
            throw Problem(
                "path_too_long", at: socket, "a Unix socket's path may have 107 bytes, this folder leaves no room.",
                do: "choose a shorter --dir.")
        }
        let isNew = !FileManager.default.fileExists(atPath: "\(folder)/data/PG_VERSION")
        if isNew { try initialize(isDurable: isDurable) }
        let pid = try Self.tool("postgres").start(
            ["-D", "\(folder)/data", "-k", socket], as: Self.account, log: "\(folder)/log")
        try waitUntilReady(pid)
        if isNew { try Self.tool("createdb").run(["-h", socket, "-p", String(port), "-U", "attune", "attune"]) }
    }

    private func waitUntilReady(_ pid: Int32) throws {
        let probe = try Self.tool("pg_isready")
        let deadline = Date(timeIntervalSinceNow: 60)
        while Date() < deadline, ProcessTable.isRunning(pid) {
            if (try? probe.run(["-q", "-h", "\(folder)/socket", "-p", String(port)])) != nil { return }
            usleep(30_000)
        }
        let log = try String(contentsOfFile: "\(folder)/log", encoding: .utf8)
        throw Problem(
            "start_failed", at: folder, "PostgreSQL did not become ready: \(log.suffix(400))",
            do: "mend what its log names and start again; no data was removed.")
    }

    /// Stops the server; `immediate` is a crash (recovery at the next start), otherwise open transactions are ended.
    public func stop(immediate: Bool = false) throws {
        guard processID != nil else { return }
        try Self.tool("pg_ctl").run(
            ["stop", "-w", "-m", immediate ? "immediate" : "fast", "-D", "\(folder)/data"], as: Self.account)
    }

    /// Kills the postmaster and waits until its last child is gone, as a power cut would leave the data.
    public func kill() throws {
        try ServerProcess(pidFile: "\(folder)/data/postmaster.pid").end(with: SIGKILL, within: 5)
    }

    private func initialize(isDurable: Bool) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(folder)/socket", withIntermediateDirectories: true)
        if getuid() == 0 {
            for path in [folder, "\(folder)/socket"] {
                try Tool("chown", package: "coreutils").run(["\(Self.account):\(Self.account)", path])
            }
        }
        try Self.tool("initdb").run(
            ["-D", "\(folder)/data", "-U", "attune", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            as: Self.account)
        let port = isDurable ? Self.socketPort : try LoopbackPorts.free(consecutive: 1)
        try "\(port)\n".write(toFile: portFile, atomically: true, encoding: .utf8)
        let settings = """
            listen_addresses = '\(isDurable ? "" : "127.0.0.1")'
            port = \(port)
            unix_socket_permissions = 0700
            max_connections = 200
            shared_buffers = 256MB
            max_wal_size = 4GB
            wal_compression = lz4
            fsync = \(isDurable ? "on" : "off")
            log_min_duration_statement = 2000
            jit = off

            """
        try settings.write(toFile: "\(folder)/attune.conf", atomically: true, encoding: .utf8)
        let main = "\(folder)/data/postgresql.conf"
        let text = try String(contentsOfFile: main, encoding: .utf8) + "\ninclude '\(folder)/attune.conf'\n"
        try text.write(toFile: "\(folder)/data/postgresql.conf", atomically: false, encoding: .utf8)
    }

    /// A program of the newest PostgreSQL that is installed, else of `PATH`.
    static func tool(_ name: String) throws -> Tool {
        let versions = "/usr/lib/postgresql"
        let installed =
            FileManager.default.fileExists(atPath: versions)
            ? try FileManager.default.contentsOfDirectory(atPath: versions) : []
        let newest = installed.compactMap { Int($0) }.sorted(by: >).map { "\(versions)/\($0)/bin" }
        return try Tool(name, package: "postgresql", folders: newest)
    }
}
