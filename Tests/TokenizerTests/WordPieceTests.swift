import Problem
import Testing
import Tokenizer

@Suite struct WordPieceTests {
    static let words = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "##a", "a", "##b", ",", "!", "世",
        "resume",
    ]
    static let vocabulary = Array(words.joined(separator: "\n").utf8)

    private func tokenizer() throws -> WordPieceTokenizer {
        try WordPieceTokenizer(vocabularyLines: Self.vocabulary, file: "vocab.txt")
    }

    /// The tokens of a text without their frame.
    private func words(_ text: String, maximumTokens: Int = 64) throws -> [String] {
        try tokenizer().encode(text, maximumTokens: maximumTokens).dropFirst().dropLast().map { Self.words[Int($0)] }
    }

    @Test("a word is cut into the longest tokens from the left")
    func longestFirst() throws {
        #expect(try words("unaffable") == ["un", "##aff", "##able"])
        #expect(try words("aab") == ["a", "##a", "##b"])
    }

    @Test("a word that cannot be cut wholly is one unknown token")
    func unknown() throws {
        #expect(try words("unx a") == ["[UNK]", "a"])
        #expect(try words("##a") == ["[UNK]", "[UNK]", "a"])
    }

    @Test("a word of more than 100 characters is unknown, one of 100 is cut")
    func longWord() throws {
        #expect(try words(String(repeating: "a", count: 100), maximumTokens: 200).count == 100)
        #expect(try words(String(repeating: "a", count: 101), maximumTokens: 200) == ["[UNK]"])
    }

    @Test("case, accents, ideographs and punctuation are handled before words are cut")
    func normalization() throws {
        #expect(try words("A,\u{c1}!世世") == ["a", ",", "a", "!", "世", "世"])
        #expect(try words("RE\u{301}SUM\u{c9} r\u{0}es\u{ad}ume") == ["resume", "resume"])
        #expect(try words(" \t\u{a0}\u{2028}") == [])
    }

    @Test("special tokens written in the text are taken as such, and only in their exact spelling")
    func addedTokens() throws {
        #expect(try words("a[MASK]a") == ["a", "[MASK]", "a"])
        #expect(try words("[mask]") == ["[UNK]", "[UNK]", "[UNK]"])
    }

    @Test("a text is cut to the limit and keeps its frame", arguments: [2, 3, 4, 9])
    func truncation(limit: Int) throws {
        let ids = try tokenizer().encode("a a unaffable [MASK] a a a a a a a a", maximumTokens: limit)
        #expect(ids.count == limit)
        #expect(ids.first == 2 && ids.last == 3)
        #expect(Array(ids.dropFirst().dropLast()) == Array([9, 9, 5, 6, 7, 4, 9].prefix(limit - 2)))
    }

    @Test("an empty text is its frame")
    func empty() throws {
        #expect(try tokenizer().encode("", maximumTokens: 8) == [2, 3])
    }

    @Test("a vocabulary with a token twice, or without the special ones, is refused")
    func badVocabulary() throws {
        for (lines, errorClass) in [
            (Self.vocabulary + Array("\nun\n".utf8), "tokenizer_malformed"), (Array("a\nb\n".utf8), "tokenizer_family"),
            ([0xFF, 0x0A], "tokenizer_malformed"),
        ] {
            let problem = try #require(throws: Problem.self) {
                try WordPieceTokenizer(vocabularyLines: lines, file: "vocab.txt")
            }
            #expect(problem.errorClass == errorClass)
        }
    }
}
