import Foundation
public import Tokenizer

/// A text's tokens as they are scored: all but the first, which nothing is before.
public struct ScoredText: Sendable {
    /// All tokens of the text.
    public let tokens: [Int32]
    /// UTF-8 bytes of the tokens that are scored.
    public let bytes: Int

    /// Cuts a text.
    public init(_ text: String, _ tokenizer: BytePairTokenizer) {
        tokens = tokenizer.encode(text)
        bytes = tokens.dropFirst().reduce(0) { $0 + tokenizer.bytes(of: $1).count }
    }

    /// What a byte costs, in bits.
    ///
    /// - Parameter losses: of the scored tokens, in nats, `[tokens - 1]`.
    public func bitsPerByte(_ losses: [Float]) -> Double {
        losses.reduce(0) { $0 + Double($1) } / log(2) / Double(max(bytes, 1))
    }
}
