import Foundation
import Problem

/// What the kernel says of a process's memory, `/proc/PID/status` of proc(5).
public enum ProcessMemory {
    /// A size in bytes under its name there, for example `VmHWM`, the largest resident set so far, or `VmRSS`, the present one.
    ///
    /// - Parameters:
    ///   - process: its number; nil is this one.
    /// - Throws: `memory_unknown` where the kernel does not say.
    public static func bytes(_ name: String, of process: Int32? = nil) throws -> Int {
        let path = "/proc/\(process.map { String($0) } ?? "self")/status"
        let line = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .first { $0.hasPrefix("\(name):") }
        let size = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
        guard let kibibytes = size.flatMap({ Int($0) }) else {
            throw Problem("memory_unknown", at: path, "it has no \(name).", do: "measure on a Linux with proc(5).")
        }
        return kibibytes << 10
    }
}
