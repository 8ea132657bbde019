public import Problem
import StrictJSON

/// Reads users from JSON lines, plain or zstd-compressed, one user a line and one user in memory at a time.
///
/// A line is `{"user": "u-1", "examples": [{"text": "…", "label": 1}, {"item": "m17", "rating": 3.5, "ts": 12}]}`:
/// an example has a text, an item or both, and a label (0 or 1) or a rating (positive from 4 on); `ts` and `split`
/// (`support`, `query` or `val`) are optional, other members are ignored. Examples stand in the order of time.
public struct PopulationReader: ~Copyable {
    /// What may be in a line.
    public struct Limits: Sendable {
        /// Bytes of one line.
        public var lineBytes = 16 << 20
        /// Unicode scalars of one example's text.
        public var textScalars = 20_000
        /// UTF-8 bytes of a user's or an item's id.
        public var identifierBytes = 200
        /// Examples of one user.
        public var examples = 100_000
        /// Whether a user whose examples all have one label is refused.
        public var requiresBothClasses = true
        /// Whether labels may be of any kind or missing: every example then counts as a positive, as texts by their author
        /// do.
        public var ignoresLabels = false

        /// The limits of an import.
        public init() {}
    }

    /// One line of the file.
    public enum Entry: Sendable {
        /// A user, read from the line of this number (from 1).
        case user(UserExamples, line: Int)
        /// A line that is not taken; the lines after it can still be read.
        case refused(Problem)
    }

    private var lines: LineReader
    private let path: String
    private let limits: Limits

    /// Opens a file.
    ///
    /// - Throws: `file_unreadable`.
    public init(path: String, limits: Limits = Limits()) throws(Problem) {
        lines = try LineReader(path: path, byteLimit: limits.lineBytes)
        self.path = path
        self.limits = limits
    }

    /// The next user or refused line; nil at the end. Blank lines are passed over.
    ///
    /// - Throws: when the file itself fails: `file_unreadable`, `file_truncated`, `zstd_corrupt`, `zstd_bomb`.
    public mutating func next() throws(Problem) -> Entry? {
        while let line = try lines.next() {
            let location = "\(path):\(lines.number)"
            switch line {
            case .tooLong:
                return .refused(
                    Problem(
                        "line_too_long", at: location, "the line is longer than \(limits.lineBytes) bytes.",
                        do: "split the user's examples over several files."))
            case .bytes(let bytes):
                if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
                do throws(Problem) {
                    return .user(
                        try UserLine(location: location, limits: limits).user(from: bytes), line: lines.number)
                } catch {
                    return .refused(error)
                }
            }
        }
        return nil
    }

    /// Every user of a file, for work that needs them all; stops at the first refused line.
    public static func all(path: String, limits: Limits = Limits()) throws(Problem) -> [UserExamples] {
        var reader = try PopulationReader(path: path, limits: limits)
        var users: [UserExamples] = []
        while let entry = try reader.next() {
            switch entry {
            case .user(let user, _): users.append(user)
            case .refused(let problem): throw problem
            }
        }
        return users
    }
}
