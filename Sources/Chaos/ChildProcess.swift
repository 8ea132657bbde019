import Blocking
import Embedded
import Foundation
import Glibc

/// One `attune` process, whose output goes to a file.
final class ChildProcess: Sendable {
    private let process: Process
    private let log: String

    /// Starts this same program with other arguments.
    init(_ arguments: [String], environment: [String: String], log: String) throws {
        self.log = log
        if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(filePath: log)) }
        let handle = try FileHandle(forWritingTo: URL(filePath: log))
        try handle.seekToEnd()
        process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try SignalMask.withNothingBlocked { try process.run() }
        try handle.close()
    }

    /// Whether it has not ended.
    var isRunning: Bool { ProcessTable.isRunning(process.processIdentifier) }

    /// Sends a signal, if it still runs.
    func signal(_ number: Int32) { if isRunning { kill(process.processIdentifier, number) } }

    /// How it ended: nil for an exit with 0, else in words with the last line that it wrote.
    func misfortune() throws -> String? {
        process.waitUntilExit()
        let status = process.terminationStatus
        guard process.terminationReason != .exit || status != 0 else { return nil }
        let cause = process.terminationReason == .exit ? "exit status \(status)" : "signal \(status)"
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        return "\(cause): \(lines.suffix(2).joined(separator: " ").suffix(400))"
    }
}
