import Foundation
import Problem

/// Ports of this machine's loopback that nobody listens on.
package enum LoopbackPorts {
    /// The first of `count` consecutive free ports in 20000..<32000, from a random place on.
    ///
    /// Another process may take one before the caller does; servers report that as a failed start.
    package static func free(consecutive count: Int) throws -> Int {
        let taken = try listening()
        for _ in 0..<200 {
            let first = Int.random(in: 20_000..<(32_000 - count))
            if taken.isDisjoint(with: first..<(first + count)) { return first }
        }
        throw Problem(
            "no_free_port", at: "127.0.0.1", "no \(count) consecutive free ports found in 20000-32000.",
            do: "stop what listens there.")
    }

    /// Local ports of every TCP socket, by the kernel's table (`proc(5)`: `/proc/net/tcp`, column `local_address`).
    private static func listening() throws -> Set<Int> {
        var ports: Set<Int> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] where FileManager.default.fileExists(atPath: table) {
            let text = try String(contentsOfFile: table, encoding: .utf8)
            for line in text.split(separator: "\n").dropFirst() {
                let columns = line.split(separator: " ")
                if columns.count > 1, let port = columns[1].split(separator: ":").last.flatMap({ Int($0, radix: 16) }) {
                    ports.insert(port)
                }
            }
        }
        return ports
    }
}
