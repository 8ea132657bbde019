import Problem

/// Strings that are one token wherever they stand in the raw text, such as `[MASK]` or `<|endoftext|>`.
struct AddedTokens: Sendable {
    /// A stretch of the raw text.
    enum Piece {
        case text(Substring)
        case added(Int32)
    }

    private let trie: TokenTrie
    private let firstBytes: Set<UInt8>
    /// One more than the largest id; 0 without tokens.
    let size: Int

    /// Refuses, as `tokenizer_malformed`, a string that is listed twice.
    init(_ tokens: [(text: String, id: Int32)], file: String) throws {
        var trie = TokenTrie(byteCount: tokens.reduce(0) { $0 + $1.text.utf8.count })
        for token in tokens {
            guard trie.insert(token.text.utf8, token: token.id) else {
                throw Vocabulary.malformed(file, "the added token \(Problem.excerpt(token.text)) is listed twice")
            }
        }
        self.trie = trie
        firstBytes = Set(tokens.compactMap(\.text.utf8.first))
        size = tokens.reduce(0) { max($0, Int($1.id) + 1) }
    }

    /// Cuts a text at the tokens, leftmost first, longest of those.
    func pieces(of text: String) -> [Piece] {
        guard !firstBytes.isEmpty, text.utf8.contains(where: { firstBytes.contains($0) }) else {
            return [.text(text[...])]
        }
        let bytes = Array(text.utf8)
        var pieces: [Piece] = []
        var plainStart = 0
        var position = 0
        func flush() {
            guard position > plainStart else { return }
            let lower = text.utf8.index(text.startIndex, offsetBy: plainStart)
            pieces.append(.text(text[lower..<text.utf8.index(text.startIndex, offsetBy: position)]))
        }
        while position < bytes.count {
            if let match = trie.longestPrefix(of: bytes, from: position) {
                flush()
                pieces.append(.added(match.token))
                position = match.end
                plainStart = position
            } else {
                position += 1
            }
        }
        flush()
        return pieces
    }
}
