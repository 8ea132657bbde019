import Blocking
import Foundation
import Glibc
import Problem
import Synchronization
import UnixSignals

/// The worker and scheduler processes of `attune up`: started, started again when they die, ended together.
final class ProcessFamily: Sendable {
    private struct Member {
        let arguments: [String]
        var process: Process
        var starts = 1
        var startedAt = Date()
    }

    private let directory: String
    private let members = Mutex<[String: Member]>([:])

    init(directory: String) { self.directory = directory }

    /// Starts this same binary with other arguments.
    static func launch(_ arguments: [String], log: String) throws -> Process {
        if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(filePath: log)) }
        let handle = try FileHandle(forWritingTo: URL(filePath: log))
        try handle.seekToEnd()
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try SignalMask.withNothingBlocked { try process.run() }
        return process
    }

    func start(_ name: String, _ arguments: [String]) throws {
        let process = try Self.launch(arguments, log: "\(directory)/\(name).log")
        try "\(process.processIdentifier)\n".write(
            toFile: "\(directory)/\(name).pid", atomically: true, encoding: .utf8)
        members.withLock { members in
            if members[name] == nil {
                members[name] = Member(arguments: arguments, process: process)
            } else {
                members[name]?.process = process
                members[name]?.starts += 1
                members[name]?.startedAt = Date()
            }
        }
    }

    /// Starts dead members again, at most once in five seconds each, until a signal comes; then ends all of them.
    func watch(until signals: UnixSignalsSequence) async throws {
        let watcher = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(500))
                let dead = members.withLock { members in
                    members.filter { !$0.value.process.isRunning && Date().timeIntervalSince($0.value.startedAt) > 5 }
                }
                for (name, member) in dead {
                    Terminal.note("\(name) ended with \(member.process.terminationStatus); starting it again.")
                    try start(name, member.arguments)
                }
            }
        }
        for await _ in signals { break }
        watcher.cancel()
        let all = members.withLock { Array($0.values) }
        all.forEach { if $0.process.isRunning { $0.process.terminate() } }
        for member in all {
            while member.process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        }
    }
}
