import Foundation
import Problem
import Synchronization

/// Single keys from the terminal, without waiting for Enter; `q` ends.
///
/// `stty` sets the terminal and sets it back: its calls in C take pointers, which stay out of this target.
final class KeyPresses: Sendable {
    private let isQuit = Atomic<Bool>(false)
    private let settings = Mutex("sane")

    /// Whether `q` was pressed or ``quit()`` called.
    var isOver: Bool { isQuit.load(ordering: .relaxed) }

    func quit() { isQuit.store(true, ordering: .relaxed) }

    func begin() throws {
        guard Terminal.isInputATerminal else { return }
        let before = try stty(["-g"])
        settings.withLock { $0 = before }
        _ = try stty(["-icanon", "-echo", "min", "1"])
        let thread = Thread { [self] in
            while !isOver {
                let key = FileHandle.standardInput.availableData
                if key.isEmpty || key.contains(UInt8(ascii: "q")) { quit() }
            }
        }
        thread.start()
    }

    func end() throws {
        guard Terminal.isInputATerminal else { return }
        _ = try stty([settings.withLock { $0 }])
    }

    private func stty(_ arguments: [String]) throws -> String {
        let process = Process()
        let reply = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["stty"] + arguments
        process.standardInput = FileHandle.standardInput
        process.standardOutput = reply
        try process.run()
        let text = try reply.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Problem(
                "tool_missing", at: "stty", "ended with \(process.terminationStatus).",
                do: "run attune status without --watch, or pipe it: attune status --watch | cat")
        }
        return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
