import Foundation
import Glibc

/// Where words go: data on standard output; progress, notes and errors on standard error.
enum Terminal {
    static let isOutputATerminal = isatty(STDOUT_FILENO) == 1
    static let isErrorATerminal = isatty(STDERR_FILENO) == 1

    static let isInputATerminal = isatty(STDIN_FILENO) == 1

    /// Columns of the terminal; nil when standard output is none, which then has no limit.
    static var width: Int? {
        guard isOutputATerminal else { return nil }
        return max(60, Settings.columns ?? 100)
    }

    /// One line (or more) of data.
    static func output(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// Bytes to standard output as they are.
    static func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    /// Something beside the data.
    static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Where long work stands: redrawn in place on a terminal, silent elsewhere.
    static func progress(_ text: String) {
        guard isErrorATerminal else { return }
        FileHandle.standardError.write(Data(("\r\u{1B}[K" + text + "\r").utf8))
    }

    /// An error, its first word red on a terminal.
    static func error(_ text: String) {
        guard isErrorATerminal, Settings.allowsColor, text.hasPrefix("error:") else { return note(text) }
        note("\u{1B}[31merror:\u{1B}[0m" + text.dropFirst("error:".count))
    }

    /// A state word in its colour: ok 2, run 4, warn 3, bad 1 of the user's theme.
    static func colored(_ text: String, _ color: Int?) -> String {
        guard let color, isOutputATerminal, Settings.allowsColor else { return text }
        return "\u{1B}[3\(color)m\(text)\u{1B}[0m"
    }

    /// The colour of a job's state, nil for those that only wait.
    static func color(ofState state: String) -> Int? {
        switch state {
        case "completed", "kept": 2
        case "running": 4
        case "retryable": 3
        case "discarded": 1
        default: nil
        }
    }

    /// Runs something on the way out, where an error can only be told, not thrown.
    static func reporting(_ body: () throws -> Void) {
        do { try body() } catch { note("\(error)") }
    }

    /// Removes a folder of this run.
    static func removeFolder(_ path: String) {
        reporting { try FileManager.default.removeItem(atPath: path) }
    }
}
