public import Population

/// One author's text in the order of time: what is adapted on, and later text that is scored.
public struct AuthorText: Sendable, Equatable {
    /// The author's id.
    public let author: String
    /// The text just before ``unseen``.
    public let own: String
    /// Held out.
    public let unseen: String

    /// How much text there may and must be, in characters.
    public struct Limits: Sendable, Equatable, Codable {
        /// Of ``AuthorText/own``, at most.
        public var own = 20_000
        /// Of ``AuthorText/unseen``, at most.
        public var unseen = 20_000
        /// Of ``AuthorText/own``, at least.
        public var ownMinimum = 1_000
        /// Of ``AuthorText/unseen``, at least.
        public var unseenMinimum = 300

        /// The defaults.
        public init() {}
    }

    /// Joins an author's examples with a space between them: the newest support examples that fit, and the first query
    /// examples that fit, each whole. Nil where there is less than the limits ask for.
    public init?(_ user: UserExamples, _ limits: Limits) {
        let texts = user.examples.map { $0.text ?? "" }
        let support = texts[..<user.supportCount]
        own = Array(Self.fitting(support.reversed(), limits.own).reversed()).joined(separator: " ")
        unseen = Self.fitting(texts[user.supportCount...], limits.unseen).joined(separator: " ")
        author = user.user
        guard own.count >= limits.ownMinimum, unseen.count >= limits.unseenMinimum else { return nil }
    }

    private static func fitting(_ texts: some Sequence<String>, _ limit: Int) -> [String] {
        var (kept, length): ([String], Int) = ([], 0)
        for text in texts where !text.isEmpty {
            let added = text.count + (kept.isEmpty ? 0 : 1)
            guard length + added <= limit else { break }
            kept.append(text)
            length += added
        }
        return kept
    }
}
