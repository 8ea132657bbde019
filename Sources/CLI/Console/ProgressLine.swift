import Foundation
import Synchronization

/// Progress of long work on standard error: a line redrawn on a terminal, a line every ten seconds elsewhere.
final class ProgressLine: Sendable {
    private let label: String
    private let started = Date()
    private let lastShown = Mutex(Date.distantPast)

    init(_ label: String) { self.label = label }

    /// Shows `done` of `total` when it is time to.
    func show(_ done: Int, of total: Int, _ detail: String = "") {
        let interval = Terminal.isErrorATerminal ? 0.1 : 10
        let isDue = lastShown.withLock { last in
            guard done >= total || Date().timeIntervalSince(last) >= interval else { return false }
            last = Date()
            return true
        }
        guard isDue else { return }
        let share = total > 0 ? Double(done) / Double(total) : 1
        let elapsed = Date().timeIntervalSince(started)
        let left = share > 0.02 && done < total ? "\(Figures.span(seconds: elapsed / share - elapsed)) left" : ""
        let name = label.padding(toLength: 10, withPad: " ", startingAt: 0)
        let line =
            "\(name) \(done)/\(total)  \(Int(share * 100)) %  \(Figures.span(seconds: elapsed))  \(left)  \(detail)"
        guard Terminal.isErrorATerminal else { return Terminal.note(line) }
        FileHandle.standardError.write(Data(("\r\u{1B}[K" + line + (done >= total ? "\n" : "")).utf8))
    }
}
