import Problem

/// Text to token ids by WordPiece (Schuster and Nakajima 2012) as BERT uses it (Devlin et al. 2019, section 3).
///
/// Each word is cut greedily into the longest tokens of the vocabulary; a word that cannot be cut, or is too long, is the
/// unknown token. The ids equal those of the Hugging Face tokenizers library for the same file.
public struct WordPieceTokenizer: Sendable {
    /// One more than the largest id it can give.
    public let vocabularySize: Int
    /// The id before every text, `[CLS]`.
    public let startToken: Int32
    /// The id after every text, `[SEP]`.
    public let endToken: Int32

    private let file: TokenizerFile
    private let wordStarts: TokenTrie
    private let continuations: TokenTrie
    private let addedTokens: AddedTokens

    /// Reads tokenizer.json; see ``Problem`` classes `tokenizer_family` and `tokenizer_malformed`.
    public init(json bytes: [UInt8], file: String) throws {
        try self.init(TokenizerFile(json: bytes, file: file), name: file)
    }

    /// Reads vocab.txt, one token a line, as BERT uncased.
    public init(vocabularyLines bytes: [UInt8], file: String) throws {
        try self.init(TokenizerFile(vocabularyLines: bytes, file: file), name: file)
    }

    private init(_ file: TokenizerFile, name: String) throws {
        let tokens = file.vocabulary.tokens
        let prefix = file.continuingPrefix
        var byteCount = 0
        for token in tokens { byteCount += token.text.utf8.count }
        var wordStarts = TokenTrie(byteCount: byteCount)
        var continuations = TokenTrie(byteCount: byteCount)
        for token in tokens {
            var isNew = wordStarts.insert(token.text.utf8, token: token.id)
            if token.text.utf8.starts(with: prefix.utf8), token.text.utf8.count > prefix.utf8.count {
                isNew = continuations.insert(token.text.utf8.dropFirst(prefix.utf8.count), token: token.id) && isNew
            }
            guard isNew else {
                throw Vocabulary.malformed(name, "the token \(Problem.excerpt(token.text)) is listed twice")
            }
        }
        self.file = file
        self.wordStarts = wordStarts
        self.continuations = continuations
        addedTokens = try AddedTokens(file.addedTokens, file: name)
        vocabularySize = max(file.vocabulary.size, addedTokens.size)
        (startToken, endToken) = (file.start, file.end)
    }

    /// The ids of a text between ``startToken`` and ``endToken``, cut to `maximumTokens` (>= 2) in all.
    ///
    /// Linear in the length of the text; words beyond the cut are not looked up.
    public func encode(_ text: String, maximumTokens: Int) -> [Int32] {
        precondition(maximumTokens >= 2, "\(maximumTokens) tokens leave no room for the frame of two")
        var ids = [startToken]
        let limit = maximumTokens - 1
        for piece in addedTokens.pieces(of: text) {
            switch piece {
            case .added(let id): ids.append(id)
            case .text(let part):
                file.normalizer.forEachWord(in: part) { word, scalarCount in
                    if ids.count < limit { appendTokens(of: word, scalarCount: scalarCount, to: &ids) }
                }
            }
            if ids.count >= limit { break }
        }
        if ids.count > limit { ids.removeLast(ids.count - limit) }
        ids.append(endToken)
        return ids
    }

    private func appendTokens(of word: [UInt8], scalarCount: Int, to ids: inout [Int32]) {
        guard scalarCount <= file.longestWord else { return ids.append(file.unknown) }
        let firstOfWord = ids.count
        var position = 0
        while position < word.count {
            let trie = position == 0 ? wordStarts : continuations
            guard let match = trie.longestPrefix(of: word, from: position) else {
                ids.removeLast(ids.count - firstOfWord)
                return ids.append(file.unknown)
            }
            ids.append(match.token)
            position = match.end
        }
    }
}
