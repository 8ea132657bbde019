import Foundation

/// What the kernel says of a process's memory, `/proc/PID/status` of proc(5).
public enum ProcessMemory {
    /// A size in bytes under its name there, for example `VmHWM`, the largest resident set so far, or `VmRSS`, the present one.
    ///
    /// - Parameters:
    ///   - process: its number; nil is this one.
    /// - Returns: 0 where the kernel does not say.
    public static func bytes(_ name: String, of process: Int32? = nil) throws -> Int {
        let path = "/proc/\(process.map { String($0) } ?? "self")/status"
        let line = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .first { $0.hasPrefix("\(name):") }
        let size = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
        return (size.flatMap { Int($0) } ?? 0) << 10
    }
}
