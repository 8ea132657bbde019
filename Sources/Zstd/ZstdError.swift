public import Problem

/// Why bytes could not be expanded.
///
/// The text names the place the caller gave and sizes; it never quotes the bytes.
public struct ZstdError: ProblemConvertible, Sendable, Hashable, CustomStringConvertible {
    /// What happened, as a stable word; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The class a ``Problem`` shows.
        public let description: String

        /// The bytes are no zstd frame, contradict themselves, or need another dictionary.
        public static let corrupt = Code(description: "zstd_corrupt")
        /// The frame ends before its content does.
        public static let truncated = Code(description: "file_truncated")
        /// The content is larger than the caller allows.
        public static let bomb = Code(description: "zstd_bomb")
        /// The file could not be opened or read.
        public static let unreadable = Code(description: "file_unreadable")
        /// libzstd could not get the memory it needs.
        public static let outOfMemory = Code(description: "out_of_memory")
    }

    /// What happened.
    public let code: Code
    /// Where the bytes came from, as the caller named it.
    public let location: String
    /// The facts.
    public let reason: String

    init(_ code: Code, at location: String, _ reason: String) {
        self.code = code
        self.location = location
        self.reason = reason
    }

    /// Whether the same bytes may be read later with nothing changed: only a shortage of memory passes by itself.
    public var isRetryable: Bool { code == .outOfMemory }

    /// The same error with its remedy.
    public var problem: Problem {
        Problem(code.description, at: location, reason, do: remedy, isRetryable: isRetryable)
    }

    /// The two lines of ``problem``.
    public var description: String { problem.description }

    private var remedy: String {
        switch code {
        case .corrupt: "fetch or make it again; it is not what was compressed."
        case .truncated: "fetch it again; only its beginning is there."
        case .bomb: "check where it comes from; nothing of it was kept."
        case .unreadable: "check the path and its permissions."
        default: "free memory on this machine; the work runs again."
        }
    }
}
