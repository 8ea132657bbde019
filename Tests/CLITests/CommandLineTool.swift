import Foundation
import PostgresTestSupport
import Testing

/// The `attune` binary, run as a person would, in a folder and on a database of its own.
struct CommandLineTool {
    static let binary = ProcessInfo.processInfo.environment["ATTUNE_TEST_BINARY"]

    /// What one run left.
    struct Ending {
        var status: Int32
        var output: String
        var errors: String

        /// Lines of standard output, each a JSON object.
        var objects: [[String: Any]] {
            get throws {
                try output.split(separator: "\n").map { line in
                    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                }
            }
        }

        /// Standard output with times and spans replaced, for comparison with a golden text.
        var golden: String { Self.withoutTimes(output) }
        /// The same for columns of spans, whose widths differ from run to run: the padding goes too.
        var goldenColumns: String { Self.withoutTimes(output.replacing(/[ ]*\+?\b[\d.]+ s\b/, with: " TIME")) }

        private static func withoutTimes(_ text: String) -> String {
            text.replacing(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, with: "DATE").replacing(/\b[\d.]+ s\b/, with: "TIME")
        }
    }

    let database: TestDatabase
    /// A folder for files, removed with the tool.
    let folder: URL

    /// Runs `body` with a tool on a migrated database.
    static func with(_ body: (CommandLineTool) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "attune-cli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch { Issue.record(error) }
        }
        try await TestDatabase.with { database in
            try await body(CommandLineTool(database: database, folder: folder))
        }
    }

    /// Runs the binary and returns how it ended; standard output and error are files, hence no terminals.
    func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Ending {
        try await run(arguments, environment: environment)
    }

    func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Ending {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.binary))
        process.arguments = arguments
        process.currentDirectoryURL = folder
        var variables = [
            "ATTUNE_DSN": database.conninfo, "ATTUNE_DIR": folder.path, "HOME": folder.path, "PATH": "/usr/bin:/bin",
        ]
        variables.merge(environment) { _, new in new }
        process.environment = variables
        let (output, errors) = (try file("stdout-\(UUID().uuidString)"), try file("stderr-\(UUID().uuidString)"))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output.handle
        process.standardError = errors.handle
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        return Ending(
            status: process.terminationStatus, output: try String(contentsOf: output.url, encoding: .utf8),
            errors: try String(contentsOf: errors.url, encoding: .utf8))
    }

    /// Runs the binary and requires that it succeeds.
    @discardableResult
    func succeed(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws -> Ending {
        let ending = try await run(arguments)
        #expect(ending.status == 0, "\(arguments): \(ending.errors)", sourceLocation: sourceLocation)
        return ending
    }

    /// Writes a file into the folder; its name is what commands are given.
    func write(_ name: String, _ lines: String...) throws {
        try (lines.joined(separator: "\n") + "\n").write(
            to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    private func file(_ name: String) throws -> (url: URL, handle: FileHandle) {
        let url = folder.appending(path: name)
        try Data().write(to: url)
        return (url, try FileHandle(forWritingTo: url))
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips, saying why, unless there is a binary to run and a server to run it against.
    static var needsBinary: Self {
        .enabled(
            if: CommandLineTool.binary != nil && PostgresServer.conninfo != nil,
            "set ATTUNE_TEST_BINARY to the built attune, and ATTUNE_TEST_DSN to a superuser's connection string")
    }
}
