import ArgumentParser
import Embedded
import Foundation
import Glibc
import Problem
import UnixSignals

/// Starts everything on this machine and watches over it.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a private PostgreSQL, a store, workers and a scheduler on this machine.",
        discussion: """
            Everything lives in one folder, listens on loopback or a Unix socket only, and stops with `attune down`.

            EXAMPLES:
              attune up --background
              attune up --background --store s3          # a real S3 server (Ceph radosgw) instead of a folder
              attune up --store s3://bucket --s3-endpoint https://s3.example.com --workers 4
            """)

    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "A folder for objects (default: inside --dir), `s3` for an embedded server, or s3://bucket/prefix.")
    var store: String?

    @Option(name: .customLong("s3-endpoint"), help: "Endpoint of an S3 server that is not AWS.")
    var endpoint: String?

    @Option(help: "Number of worker processes.")
    var workers = 2

    @OptionGroup var bases: BasesOptions

    @Flag(help: "Return once everything answers; output goes to DIR/up.log.")
    var background = false

    @Flag(help: "Start PostgreSQL and the store only.")
    var servicesOnly = false

    @Flag(help: ArgumentHelp("Turn off fsync: for tests that throw the data away.", visibility: .hidden))
    var throwaway = false

    func validate() throws {
        guard (0...256).contains(workers) else { throw ValidationError("--workers must be between 0 and 256.") }
    }

    func run() async throws {
        let directory = absolute(connection.dir)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        if let running = try Deployment.running(in: directory) {
            throw Problem(
                "already_running", at: directory, "process \(running.processID) runs it.",
                do: "attune down --dir \(directory), or choose another --dir.")
        }
        if background { return try await runInBackground(directory) }
        let services = Services(
            directory: directory, store: store, endpoint: endpoint, base: bases.paths[0], isDurable: !throwaway)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        signal(SIGHUP, SIG_IGN)
        let deployment = try await services.start()
        defer { services.removeDeploymentFile() }
        // The processes started below read it: one that found none would ask libpq's default server, for ever.
        try deployment.write(to: directory)
        let family = ProcessFamily(directory: directory)
        if !servicesOnly {
            try family.start("scheduler", ["scheduler", "--dir", directory])
            for index in 0..<workers {
                try family.start(
                    "worker-\(index + 1)",
                    ["worker", "--dir", directory, "--name", "worker-\(index + 1)"]
                        + bases.paths.flatMap { ["--base", $0] })
            }
        }
        try report(deployment, directory)
        try await family.watch(until: signals)
        try services.stop()
    }

    /// Starts the same command in the foreground elsewhere and waits until its deployment file is there.
    private func runInBackground(_ directory: String) async throws {
        let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--background" && $0 != "--json" }
        let log = "\(directory)/up.log"
        let child = try ProcessFamily.launch(Array(arguments), log: log)
        for _ in 0..<1800 {
            if let deployment = try Deployment.running(in: directory), deployment.processID == child.processIdentifier {
                return try report(deployment, directory)
            }
            guard ProcessTable.isRunning(child.processIdentifier) else {
                let text = try String(contentsOfFile: log, encoding: .utf8)
                throw Problem(
                    "start_failed", at: directory,
                    "attune up ended: \(text.suffix(800))",
                    do: "mend what it names; the whole log is \(log).")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        child.terminate()
        throw Problem("timed_out", at: directory, "not ready after 90 s.", do: "read \(log).")
    }

    private func report(_ deployment: Deployment, _ directory: String) throws {
        if output.json { return try JSONOutput.print(deployment) }
        Terminal.output("database   \(deployment.conninfo)")
        Terminal.output("store      \(deployment.store)\(deployment.endpoint.map { "  at \($0)" } ?? "")")
        Terminal.output("base       \(deployment.base ?? "none found: attune base add FOLDER")")
        Terminal.output(servicesOnly ? "workers    none asked for" : "workers    \(workers), and a scheduler")
        if background { Terminal.output("stop       attune down --dir \(directory)") }
    }
}

/// Stops what `attune up` started.
struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop what `attune up` started; data and objects stay.",
        discussion: "EXAMPLES:\n  attune down\n  attune down --dir /srv/attune")

    @OptionGroup var connection: DatabaseOptions

    func run() async throws {
        let directory = absolute(connection.dir)
        guard let deployment = try Deployment.running(in: directory) else {
            throw Problem(
                "nothing_running", at: directory, "no attune up runs here.", do: "attune up --dir \(directory)")
        }
        kill(deployment.processID, SIGTERM)
        for _ in 0..<1200 {
            if try Deployment.running(in: directory) == nil { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Problem(
            "timed_out", at: directory, "process \(deployment.processID) still runs after 60 s.",
            do: "read \(directory)/up.log; its workers may be finishing a chunk.")
    }
}

/// Prints the conninfo of the running deployment.
struct DSN: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dsn", abstract: "Print the conninfo that psql and your services connect with.",
        discussion: "EXAMPLES:\n  psql \"$(attune dsn)\" -c 'SELECT * FROM attune.backlog'")

    @OptionGroup var connection: DatabaseOptions

    func run() throws {
        let conninfo = try connection.conninfo()
        guard !conninfo.isEmpty else {
            throw Problem(
                "configuration_missing", at: connection.dir, "no deployment runs here and ATTUNE_DSN is not set.",
                do: "attune up --background, or set ATTUNE_DSN.")
        }
        Terminal.output(conninfo)
    }
}
