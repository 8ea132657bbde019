import Foundation
import Glibc
import Problem

/// A server process known by its pid file.
struct ServerProcess: Sendable {
    /// The file that holds the process id.
    let pidFile: String

    /// The id of the running process, nil when there is none.
    var processID: Int32? {
        guard let text = try? String(contentsOfFile: pidFile, encoding: .utf8),
            let pid = text.split(whereSeparator: \.isNewline).first.flatMap({ Int32($0) }), pid > 1
        else { return nil }
        return isAlive(pid) ? pid : nil
    }

    /// Records a process just started.
    func record(_ pid: Int32) throws { try "\(pid)\n".write(toFile: pidFile, atomically: true, encoding: .utf8) }

    /// Sends a signal and waits until the process is gone, for at most `seconds`, then kills it.
    func end(with signal: Int32, within seconds: Double) throws {
        guard let pid = processID else { return }
        kill(pid, signal)
        let deadline = Date(timeIntervalSinceNow: seconds)
        while isAlive(pid), Date() < deadline { usleep(20_000) }
        if isAlive(pid) { kill(pid, SIGKILL) }
        while isAlive(pid) { usleep(5_000) }
        if FileManager.default.fileExists(atPath: pidFile) { try FileManager.default.removeItem(atPath: pidFile) }
    }

    private func isAlive(_ pid: Int32) -> Bool { ProcessTable.isRunning(pid) }
}

/// Which processes run, by the kernel's own word.
///
/// Foundation's `Process.isRunning` waits until every descendant that inherited its channel is gone, so that a program
/// that leaves a server behind never seems to end.
public enum ProcessTable {
    /// Whether a process exists and is not a zombie, which no longer serves anybody.
    public static func isRunning(_ pid: Int32) -> Bool {
        guard kill(pid, 0) == 0 || errno == EPERM,
            let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        else { return false }
        return stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].dropFirst(2).first != "Z"
    }
}
