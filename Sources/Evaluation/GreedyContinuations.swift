import Adapters
public import Model
import Tokenizer

/// Prompts cut from an author's unseen text, and what a decoder writes after them by always taking the best token.
public struct GreedyContinuations: Sendable {
    /// Where and how much is written.
    public struct Settings: Sendable, Equatable, Codable {
        /// Prompts of an author, evenly over the unseen text; fewer where they would overlap, 0 writes nothing.
        public var promptsPerAuthor = 8
        /// Tokens of a prompt.
        public var promptTokens = 32
        /// Tokens written after it.
        public var tokens = 20

        /// The defaults.
        public init() {}
    }

    /// What the author wrote after each prompt.
    public let references: [String]
    /// Prompts.
    private let prompts: [[Int32]]
    private let settings: Settings
    private let model: LanguageModel

    /// Cuts the prompts.
    public init(_ text: ScoredText, _ model: LanguageModel, _ settings: Settings) {
        let length = settings.promptTokens + settings.tokens
        let count = min(settings.promptsPerAuthor, text.tokens.count / length)
        let starts = (0..<count).map { $0 * (text.tokens.count / count) }
        prompts = starts.map { Array(text.tokens[$0..<$0 + settings.promptTokens]) }
        references = starts.map { model.tokenizer.decode(Array(text.tokens[$0 + settings.promptTokens..<$0 + length])) }
        (self.settings, self.model) = (settings, model)
    }

    /// What the model writes after each prompt.
    public func written(with adapters: some SiteAdapters) throws -> [String] {
        guard !prompts.isEmpty else { return [] }
        let capacity = settings.promptTokens + settings.tokens
        var continuation = TextContinuation(
            model.transformer, adapters: adapters, capacity: min(capacity, model.maximumTokens))
        return try prompts.map { prompt in
            continuation.removeAll()
            var (written, next): ([Int32], [Int32]) = ([], prompt)
            for _ in 0..<settings.tokens {
                let logits = try continuation.read(next)
                next = [nextTokens(logits.prefix(model.tokenizer.vocabularySize), .greedy)[0].token]
                written += next
            }
            return model.tokenizer.decode(written)
        }
    }
}
