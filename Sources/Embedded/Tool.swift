import Blocking
import Foundation
import Problem

/// A program of this machine: found, run to its end, or started and left running.
struct Tool: Sendable {
    /// Absolute path of the executable.
    let path: String

    /// Looks in `folders` first, then in `PATH`.
    ///
    /// - Throws: `tool_missing`, naming the Debian package that holds it.
    init(_ name: String, package: String, folders: [String] = []) throws(Problem) {
        let search =
            folders
            + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map(String.init)
        guard let folder = search.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }) else {
            throw Problem(
                "tool_missing", at: name, "not found in \(search.joined(separator: ":")).",
                do: "apt-get install \(package), or run ops/install.")
        }
        path = "\(folder)/\(name)"
    }

    /// Runs to the end and returns standard output.
    ///
    /// - Parameter user: the account to run under when the caller is root; nil = the caller's own.
    /// - Throws: `tool_failed` with the last lines the program wrote.
    @discardableResult
    func run(_ arguments: [String], as user: String? = nil, environment: [String: String] = [:]) throws -> String {
        let process = command(arguments, as: user, environment: environment)
        let output = try CapturedOutput(process)
        try SignalMask.withNothingBlocked { try process.run() }
        process.waitUntilExit()
        let text = try output.text()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw Problem(
                "tool_failed", at: path,
                "\(arguments.prefix(3).joined(separator: " ")) ended with \(process.terminationStatus): \(text.suffix(600))",
                do: "run it by hand to see more; nothing else was changed.")
        }
        return text
    }

    /// Starts and leaves running, output appended to `log`; returns the process id.
    func start(
        _ arguments: [String], as user: String? = nil, environment: [String: String] = [:], log: String
    ) throws -> Int32 {
        let process = command(arguments, as: user, environment: environment)
        if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(filePath: log)) }
        guard let handle = FileHandle(forWritingAtPath: log) else {
            throw Problem("file_unwritable", at: log, "cannot be opened for writing.", do: "check the folder's owner.")
        }
        try handle.seekToEnd()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try SignalMask.withNothingBlocked { try process.run() }
        return process.processIdentifier
    }

    private func command(_ arguments: [String], as user: String?, environment: [String: String]) -> Process {
        let process = Process()
        if let user, getuid() == 0 {
            process.executableURL = URL(filePath: "/usr/bin/setpriv")
            process.arguments = ["--reuid=\(user)", "--regid=\(user)", "--init-groups", path] + arguments
        } else {
            process.executableURL = URL(filePath: path)
            process.arguments = arguments
        }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        return process
    }
}

/// Standard output and error of a process, kept in a file so that no amount of it blocks the writer.
private struct CapturedOutput {
    private let url: URL

    init(_ process: Process) throws {
        url = FileManager.default.temporaryDirectory.appending(path: "attune-\(UUID().uuidString).log")
        try Data().write(to: url)
        let handle = try FileHandle(forWritingTo: url)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
    }

    func text() throws -> String {
        let data = try Data(contentsOf: url)
        try FileManager.default.removeItem(at: url)
        return String(decoding: data, as: UTF8.self)
    }
}
