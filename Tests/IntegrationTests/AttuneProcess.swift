import Embedded
import Foundation
import Glibc
import Testing

/// One running `attune`; what it writes goes to a file, so that no amount of it holds the process up.
struct AttuneProcess {
    /// What it ended with.
    enum Ending: Equatable {
        case exit(Int32)
        case signal(Int32)
    }

    private let process = Process()
    private let name: String
    private let log: URL

    /// Starts `attune` with these arguments.
    init(_ arguments: [String], environment: [String: String], folder: URL) throws {
        name = arguments.prefix(1).joined()
        log = folder.appending(path: "\(name)-\(UUID().uuidString).log")
        process.executableURL = URL(filePath: try #require(TestSettings.binary))
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        try Data().write(to: log)
        let handle = try FileHandle(forWritingTo: log)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    /// What it wrote so far.
    func output() throws -> String { try String(contentsOf: log, encoding: .utf8) }

    /// Whether it is stopped, as by SIGSTOP.
    func isStopped() throws -> Bool {
        let stat = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
        return stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].dropFirst(2).first == "T"
    }

    /// Sends a signal.
    func signal(_ number: Int32) {
        if ProcessTable.isRunning(process.processIdentifier) { kill(process.processIdentifier, number) }
    }

    /// Waits until it has ended by itself.
    func ending(within seconds: Double = 60) async throws -> Ending {
        let id = process.processIdentifier
        try await eventually("\(name) ends", within: seconds, context: { try output() }) { !ProcessTable.isRunning(id) }
        process.waitUntilExit()
        return process.terminationReason == .exit
            ? .exit(process.terminationStatus) : .signal(process.terminationStatus)
    }

    /// Asks it to end in order, and expects that it does.
    func end() async throws {
        signal(SIGTERM)
        try await succeeds()
    }

    /// Waits until it has ended by itself, and expects that it found nothing wrong.
    func succeeds(within seconds: Double = 60) async throws {
        let (ending, said) = (try await ending(within: seconds), try output())
        #expect(ending == .exit(0), "\(name) ended with \(ending): \(said.suffix(2000))")
    }

    /// Ends it whatever state it is in.
    func kill9() {
        signal(SIGKILL)
        process.waitUntilExit()
    }
}

/// What did not come in time.
struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again until something is so.
///
/// - Throws: ``NeverHappened`` with the context when it is not within `seconds`.
func eventually(
    _ what: String, within seconds: Double = 60, context: () async throws -> String = { "" },
    _ holds: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try await !holds() {
        guard ContinuousClock.now < end else {
            throw NeverHappened(description: "not within \(seconds) s: \(what). \(try await context().suffix(3000))")
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}
