package import Problem
import Zstd

/// Lines of a plain or zstd-compressed file, one at a time, within a bound on their length.
///
/// Memory is one line and one piece of the file, however large the file or a line of it is.
package struct LineReader: ~Copyable {
    /// One line without its line feed.
    package enum Line {
        case bytes([UInt8])
        /// Longer than the limit: its bytes were skipped up to the next line feed.
        case tooLong
    }

    private var file: ExpandingFileReader
    private var piece: [UInt8] = []
    private var position = 0
    private let byteLimit: Int
    /// The number of the line last returned, from 1.
    package private(set) var number = 0

    package init(path: String, byteLimit: Int) throws(Problem) {
        do { file = try ExpandingFileReader(path: path) } catch { throw error.problem }
        self.byteLimit = byteLimit
    }

    /// The next line, or nil at the end; a last line needs no line feed.
    package mutating func next() throws(Problem) -> Line? {
        var line: [UInt8] = []
        var isTooLong = false
        var began = false
        while true {
            if position == piece.count {
                do { piece = try file.next() ?? [] } catch { throw error.problem }
                position = 0
                if piece.isEmpty { break }
            }
            began = true
            let end = piece[position...].firstIndex(of: UInt8(ascii: "\n")) ?? piece.count
            isTooLong = isTooLong || line.count + end - position > byteLimit
            if isTooLong { line = [] } else { line += piece[position..<end] }
            position = min(end + 1, piece.count)
            if end < piece.count { break }
        }
        guard began else { return nil }
        number += 1
        return isTooLong ? .tooLong : .bytes(line)
    }
}
