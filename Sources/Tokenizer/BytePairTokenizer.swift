import Problem

/// Text to token ids, and back, by byte pair encoding over bytes (Sennrich, Haddow and Birch 2016; over bytes, Radford et al.
/// 2019): no text is unknown, and what was encoded is what is decoded.
///
/// The ids equal those of the Hugging Face tokenizers library for the same file.
public struct BytePairTokenizer: Sendable {
    /// One more than the largest id it can give.
    public let vocabularySize: Int
    /// The tokens before every text, such as a token of its beginning; none for GPT-2.
    public let startTokens: [Int32]
    /// The tokens after every text; as a rule none.
    public let endTokens: [Int32]

    private let pattern: WordPattern
    private let addsPrefixSpace: Bool
    private let addedTokens: AddedTokens
    private let merges: BytePairMerges
    /// The token of each byte.
    private let byteTokens: [Int32]
    /// Whole words that are not merged.
    private let words: TokenTrie?
    /// What each id stands for.
    private let bytesByToken: [Int32: [UInt8]]

    /// Reads tokenizer.json; see ``Problem`` classes `tokenizer_family` and `tokenizer_malformed`.
    public init(json bytes: [UInt8], file: String) throws {
        let contents = try BytePairFile(json: bytes, file: file)
        var bytesByToken: [Int32: [UInt8]] = [:]
        var tokenByBytes: [[UInt8]: Int32] = [:]
        for token in contents.vocabulary.tokens {
            // A special token may stand in the vocabulary too, in characters that mean no byte.
            guard let bytes = ByteAlphabet.bytes(of: token.text) else { continue }
            bytesByToken[token.id] = bytes
            tokenByBytes[bytes] = token.id
        }
        for token in contents.addedTokens { bytesByToken[token.id] = Array(token.text.utf8) }
        byteTokens = try (0...UInt8.max).map { byte in
            guard let token = tokenByBytes[[byte]] else {
                throw Vocabulary.malformed(file, "its vocabulary has no token for the byte \(byte)")
            }
            return token
        }
        merges = try Self.merges(contents, tokenByBytes, file: file)
        words = try contents.ignoresMerges ? Self.words(tokenByBytes, file: file) : nil
        addedTokens = try AddedTokens(contents.addedTokens, file: file)
        (pattern, addsPrefixSpace) = (contents.pattern, contents.addsPrefixSpace)
        (startTokens, endTokens) = contents.frame
        vocabularySize = max(contents.vocabulary.size, addedTokens.size)
        self.bytesByToken = bytesByToken
    }

    private static func merges(
        _ contents: BytePairFile, _ tokenByBytes: [[UInt8]: Int32], file: String
    ) throws -> BytePairMerges {
        var merges = BytePairMerges()
        for (index, pair) in contents.merges.enumerated() {
            guard let left = ByteAlphabet.bytes(of: pair.left), let right = ByteAlphabet.bytes(of: pair.right),
                let leftToken = tokenByBytes[left], let rightToken = tokenByBytes[right],
                let token = tokenByBytes[left + right]
            else {
                throw Vocabulary.malformed(file, "merge \(index + 1) names a token that the vocabulary lacks")
            }
            guard merges.append(leftToken, rightToken, into: token) else {
                throw Vocabulary.malformed(file, "merge \(index + 1) is listed twice")
            }
        }
        return merges
    }

    private static func words(_ tokenByBytes: [[UInt8]: Int32], file: String) throws -> TokenTrie {
        var trie = TokenTrie(byteCount: tokenByBytes.keys.reduce(0) { $0 + $1.count })
        for (bytes, token) in tokenByBytes {
            guard trie.insert(bytes, token: token) else { throw Vocabulary.malformed(file, "a token is listed twice") }
        }
        return trie
    }

    /// The ids of a text between ``startTokens`` and ``endTokens``.
    public func encode(_ text: String) -> [Int32] {
        var ids = startTokens
        for piece in addedTokens.pieces(of: text) {
            switch piece {
            case .added(let id): ids.append(id)
            case .text(let part):
                let isSpaced = !addsPrefixSpace || part.utf8.first == UInt8(ascii: " ")
                pattern.forEachWord(in: isSpaced ? part : Substring(" " + String(part))) { ids += tokens(of: $0) }
            }
        }
        return ids + endTokens
    }

    private func tokens(of word: [UInt8]) -> [Int32] {
        if let match = words?.longestPrefix(of: word, from: 0), match.end == word.count { return [match.token] }
        return merges.merged(word.map { byteTokens[Int($0)] })
    }

    /// The bytes that a token stands for; empty for an id that is no token's.
    public func bytes(of token: Int32) -> [UInt8] { bytesByToken[token] ?? [] }

    /// The text of ids. Bytes that are no UTF-8, such as half of a character, become U+FFFD.
    public func decode(_ tokens: [Int32]) -> String {
        String(decoding: tokens.flatMap { bytes(of: $0) }, as: UTF8.self)
    }
}
