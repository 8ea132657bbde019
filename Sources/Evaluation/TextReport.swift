public import Meta

/// What `attune eval text` prints: figures by their stable names, and the authors behind them.
public struct TextReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Hex digest of the base.
        public var base: String
        /// Which of the file's authors were scored: those that settings are not chosen on, or those that they are.
        public var authors: TextEvaluation.Authors
        /// How many.
        public var authorCount: Int
        /// Authors with too little text.
        public var leftOut: Int
        /// How much text there may and must be.
        public var limits: AuthorText.Limits
        /// How each author was adapted to.
        public var settings: TextAdaptationSettings
        /// Parameters of an adapter.
        public var parameters: Int
        /// Tokens of a scored window; windows overlap by half.
        public var contextTokens: Int
        /// Which text is continued for ``TextReport/Continuations``.
        public var continuations: GreedyContinuations.Settings
        /// Seeds the starts, the order of windows and the bootstrap.
        public var seed: UInt64
    }

    /// One author. Bits a byte are the scored tokens' nats over ln 2 and over the UTF-8 bytes of those tokens.
    public struct Author: Sendable, Equatable, Codable {
        /// The author's id.
        public var author: String
        /// Characters adapted on.
        public var ownCharacters: Int
        /// Bytes scored: all of the unseen text but its first token.
        public var scoredBytes: Int
        /// Bits a byte of the base alone.
        public var base: Double
        /// With the author's adapter.
        public var adapted: Double
        /// With the adapter of the author before.
        public var otherAuthor: Double
        /// Seconds of one thread to adapt.
        public var adaptSeconds: Double
    }

    /// A difference in bits a byte, and its interval by a bootstrap over authors.
    public struct Difference: Sendable, Equatable, Codable {
        /// `adapted - base`, `other_author - base` or `adapted - other_author`.
        public var difference: String
        /// Its mean over authors; below 0 is better.
        public var bitsPerByte: Interval
        /// The share of authors for whom it is below 0.
        public var shareBetter: Double
    }

    /// Greedy continuations of prompts from the unseen texts, against what the authors wrote.
    public struct Continuations: Sendable, Equatable, Codable {
        /// Prompts of all authors.
        public var prompts: Int
        /// Which BLEU: of others the figures cannot be compared.
        public var implementation: String
        /// Of the base's continuations, `0...1`.
        public var base: Double
        /// Of those with the author's adapter.
        public var adapted: Double
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// In the order of the file.
        public var authors: [Author]
        /// Paired by author.
        public var differences: [Difference]
        /// Nil where no text is continued.
        public var continuations: Continuations?
    }

    /// What was run.
    public var config: Configuration
    /// Stable name to number, each a mean over authors.
    public var figures: [String: Double]
    /// What is behind them.
    public var tables: Tables

    /// Sums authors up.
    init(config: Configuration, authors: [Author], continuations: Continuations?) {
        self.config = config
        let bootstrap = Bootstrap(users: authors.count, seed: config.seed)
        func difference(_ name: String, _ of: (Author) -> Double) -> Difference {
            let values = authors.map(of)
            return Difference(
                difference: name, bitsPerByte: bootstrap.interval(values),
                shareBetter: Double(values.count { $0 < 0 }) / Double(max(values.count, 1)))
        }
        func mean(_ of: (Author) -> Double) -> Double {
            authors.reduce(0) { $0 + of($1) } / Double(max(authors.count, 1))
        }
        let gain = difference("adapted - base") { $0.adapted - $0.base }
        let control = difference("other_author - base") { $0.otherAuthor - $0.base }
        let own = difference("adapted - other_author") { $0.adapted - $0.otherAuthor }
        tables = Tables(authors: authors, differences: [gain, control, own], continuations: continuations)
        figures = [
            "text.bits_per_byte.base": mean(\.base), "text.bits_per_byte.adapted": mean(\.adapted),
            "text.bits_per_byte.other_author": mean(\.otherAuthor), "text.share_better": gain.shareBetter,
            "text.share_better_than_other_author": own.shareBetter,
            "text.adapted_minus_base": gain.bitsPerByte.mean,
            "text.adapted_minus_base.low": gain.bitsPerByte.low,
            "text.adapted_minus_base.high": gain.bitsPerByte.high,
            "text.other_author_minus_base": control.bitsPerByte.mean,
            "text.other_author_minus_base.low": control.bitsPerByte.low,
            "text.other_author_minus_base.high": control.bitsPerByte.high,
            "text.adapt_seconds": mean(\.adaptSeconds),
        ]
        if let continuations {
            figures["text.bleu4.base"] = continuations.base
            figures["text.bleu4.adapted"] = continuations.adapted
        }
    }
}
