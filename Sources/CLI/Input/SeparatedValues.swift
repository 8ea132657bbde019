import Problem
import Zstd

/// Records of a CSV file (RFC 4180), plain or zstd-compressed, one at a time: fields separated by commas, quoted where
/// they hold commas, quotes (doubled) or line ends.
struct SeparatedValues: ~Copyable {
    private static let recordBytes = 1 << 20
    private static let quote = UInt8(ascii: "\"")

    private var file: ExpandingFileReader
    private var piece: [UInt8] = []
    private var position = 0
    private var pushedBack: UInt8?
    private let path: String
    /// The line on which the record last returned began, from 1.
    private(set) var line = 0
    private var nextLine = 1

    init(path: String) throws(Problem) {
        do { file = try ExpandingFileReader(path: path) } catch { throw error.problem }
        self.path = path
    }

    /// The next record, or nil at the end; empty lines are passed over.
    mutating func next() throws(Problem) -> [String]? {
        while let record = try record() { if record != [""] { return record } }
        return nil
    }

    private mutating func record() throws(Problem) -> [String]? {
        guard var byte = try take() else { return nil }
        line = nextLine
        var (fields, field, size) = ([String](), [UInt8](), 0)
        while true {
            size += 1
            guard size <= Self.recordBytes else {
                throw Problem(
                    "line_too_long", at: "\(path):\(line)", "the record is longer than \(Self.recordBytes) bytes.",
                    do: "look for a quote that is not closed.")
            }
            switch byte {
            case Self.quote where field.isEmpty: field = try quoted(&size)
            case UInt8(ascii: ","):
                fields.append(try text(field))
                field = []
            case UInt8(ascii: "\n"):
                nextLine += 1
                if field.last == UInt8(ascii: "\r") { field.removeLast() }
                return fields + [try text(field)]
            default: field.append(byte)
            }
            guard let next = try take() else { return fields + [try text(field)] }
            byte = next
        }
    }

    /// What stands between quotes; the opening one has been taken.
    private mutating func quoted(_ size: inout Int) throws(Problem) -> [UInt8] {
        var field: [UInt8] = []
        while size <= Self.recordBytes, let byte = try take() {
            size += 1
            if byte == UInt8(ascii: "\n") { nextLine += 1 }
            guard byte == Self.quote else {
                field.append(byte)
                continue
            }
            guard let next = try take() else { return field }
            guard next == Self.quote else {
                pushedBack = next
                return field
            }
            field.append(Self.quote)
        }
        throw Problem(
            "bad_csv", at: "\(path):\(line)", "a quote is not closed.", do: "close it, or double quotes inside fields.")
    }

    private mutating func take() throws(Problem) -> UInt8? {
        if let byte = pushedBack {
            pushedBack = nil
            return byte
        }
        if position == piece.count {
            do { piece = try file.next() ?? [] } catch { throw error.problem }
            position = 0
            if piece.isEmpty { return nil }
        }
        position += 1
        return piece[position - 1]
    }

    private func text(_ bytes: [UInt8]) throws(Problem) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem("not_utf8", at: "\(path):\(line)", "a field is not UTF-8.", do: "write the file as UTF-8.")
        }
        return text
    }
}
