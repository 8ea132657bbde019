import Foundation
import Population
import Problem
import Queue
import StrictJSON

/// A job as a line of a file asks for it.
struct RequestedJob {
    var entry: Bulk.Entry
    /// The line's number and bytes, for the file of rejected lines.
    var line: Int
    var bytes: [UInt8]
}

/// Jobs from JSON lines: `{"user": "u-1", "dedup_key": "…", "payload": "base64", "trace": "…"}`, only the user needed.
struct JobFile: ~Copyable {
    /// One line of the file.
    enum Entry {
        case job(RequestedJob)
        case refused(Problem, bytes: [UInt8])
    }

    private static let lineBytes = 1 << 20
    private static let members: Set<String> = ["user", "dedup_key", "payload", "trace"]

    private let path: String
    private var lines: LineReader

    init(path: String) throws(Problem) {
        self.path = path
        lines = try LineReader(path: path, byteLimit: Self.lineBytes)
    }

    /// The next job or refused line; nil at the end. Blank lines are passed over.
    mutating func next() throws(Problem) -> Entry? {
        while let line = try lines.next() {
            guard case .bytes(let bytes) = line else {
                return .refused(
                    Problem(
                        "line_too_long", at: location, "the line is longer than \(Self.lineBytes) bytes.",
                        do: "store the payload elsewhere and pass a reference to it."), bytes: [])
            }
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            do throws(Problem) { return .job(try job(bytes)) } catch { return .refused(error, bytes: bytes) }
        }
        return nil
    }

    private var location: String { "\(path):\(lines.number)" }

    private func job(_ bytes: [UInt8]) throws(Problem) -> RequestedJob {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch { throw Problem.badJSON(error, at: location) }
        guard let object = value.object else { throw shape("the line is not a JSON object.") }
        if let unknown = object.members.first(where: { !Self.members.contains($0.name) }) {
            throw shape("the member \"\(Problem.excerpt(unknown.name))\" is not known.")
        }
        guard let user = object["user"].flatMap({ $0.string ?? $0.integer.map(String.init) }), !user.isEmpty else {
            throw shape("the member \"user\" is missing.")
        }
        var payload: [UInt8]?
        if let encoded = try text(object, "payload") {
            guard let data = Data(base64Encoded: encoded) else { throw shape("\"payload\" is not base64.") }
            payload = Array(data)
        }
        let entry = Bulk.Entry(
            user: user, payload: payload, dedupKey: try text(object, "dedup_key"), trace: try text(object, "trace"))
        return RequestedJob(entry: entry, line: lines.number, bytes: bytes)
    }

    private func text(_ object: JSONObject, _ name: String) throws(Problem) -> String? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.string, !text.unicodeScalars.contains("\0") else {
            throw shape("\"\(name)\" is no string, or holds a NUL character.")
        }
        return text
    }

    private func shape(_ reason: String) -> Problem {
        Problem(
            "bad_job_line", at: location, reason,
            do: "write {\"user\": \"u-1\"} with, if need be, dedup_key, payload (base64) and trace.")
    }
}
