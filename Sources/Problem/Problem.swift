/// An error as the person who can act on it reads it: where, which class, why, and what helps.
///
/// The class is a stable snake_case word, the same on the command line, in `attempt_log.error_class` and in metrics.
/// No field ever holds a secret, and at most 40 characters of a user's text (``excerpt(_:)``).
public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where it went wrong: `file:line`, `tenant/user`, a host or an object key.
    public var location: String
    /// The stable class, for example `one_class_examples`.
    public var errorClass: String
    /// The facts, with numbers and limits and both sides of a mismatch.
    public var reason: String
    /// What helps, as a sentence or a command.
    public var remedy: String
    /// Whether the same attempt may succeed later with nothing changed by a person.
    public var isRetryable: Bool

    /// Makes a problem; `isRetryable` is false unless said otherwise.
    public init(
        _ errorClass: String, at location: String, _ reason: String, do remedy: String, isRetryable: Bool = false
    ) {
        self.location = location
        self.errorClass = errorClass
        self.reason = reason
        self.remedy = remedy
        self.isRetryable = isRetryable
    }

    /// The two lines a terminal shows: `error: WHERE: class: WHY.` and `  do: WHAT HELPS.`
    public var description: String { "error: \(location): \(errorClass): \(reason)\n  do: \(remedy)" }

    /// At most 40 characters of text that a user supplied, with control characters replaced.
    ///
    /// - Parameter limit: another number, for text that is known to be no user's. Unicode scalars are counted, because one
    ///   `Character` may be a letter and a million accents.
    public static func excerpt(_ text: some StringProtocol, limit: Int = 40) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) {
            shown.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
        }
        return String(shown) + (text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "…")
    }
}

/// An error that can be told as a ``Problem``; the typed errors of the C wrappers conform.
public protocol ProblemConvertible: Error {
    /// The same error, as the person who can act on it reads it.
    var problem: Problem { get }
}

extension Problem: ProblemConvertible {
    /// Itself.
    public var problem: Problem { self }
}
