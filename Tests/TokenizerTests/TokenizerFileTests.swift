import Problem
import Testing
import Tokenizer

@Suite struct TokenizerFileTests {
    /// A tokenizer.json with one part replaced.
    private func json(replacing part: String = "", with replacement: String = "") -> [UInt8] {
        let text = """
            {"version": "1.0",
             "added_tokens": [{"id": 4, "content": "[MASK]", "single_word": false, "lstrip": false, "rstrip": false,
                               "normalized": false, "special": true}],
             "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                            "strip_accents": null, "lowercase": true},
             "pre_tokenizer": {"type": "BertPreTokenizer"},
             "post_processor": {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]},
             "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 100,
                       "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "[MASK]": 4, "##b": 5, "A": 6}}}
            """
        return Array(text.replacing(part, with: replacement).utf8)
    }

    private func ids(_ text: String, _ json: [UInt8]) throws -> [Int32] {
        try WordPieceTokenizer(json: json, file: "tokenizer.json").encode(text, maximumTokens: 16)
    }

    @Test("a file of the family is read with its special tokens")
    func reads() throws {
        #expect(try ids("Ab [MASK] c", json()) == [1, 3, 5, 4, 0, 2])
    }

    @Test("the file decides about lower case, and accents follow it unless they are named")
    func settings() throws {
        let cased = json(replacing: "\"lowercase\": true", with: "\"lowercase\": false")
        #expect(try ids("A a \u{e1}", cased) == [1, 6, 3, 0, 2])
        let stripped = json(
            replacing: "\"strip_accents\": null, \"lowercase\": true",
            with: "\"strip_accents\": true, \"lowercase\": false")
        #expect(try ids("\u{c1}", stripped) == [1, 6, 2])
    }

    @Test("the older BertProcessing frame is understood")
    func olderFrame() throws {
        let single = String(decoding: json(), as: UTF8.self)
        let start = try #require(single.firstRange(of: "{\"type\": \"TemplateProcessing\""))
        let end = try #require(single.firstRange(of: "]},\n \"model\""))
        let part = String(single[start.lowerBound..<end.upperBound])
        let older = json(
            replacing: part,
            with: "{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 2], \"cls\": [\"[CLS]\", 1]},\n \"model\"")
        #expect(try ids("a", older) == [1, 3, 2])
    }

    @Test(
        "a tokenizer of another family is told apart by the part that differs",
        arguments: [
            ("\"WordPiece\"", "\"BPE\"", "model is BPE"), ("BertNormalizer", "NFC", "normalizer is NFC"),
            ("BertPreTokenizer", "ByteLevel", "pre_tokenizer is ByteLevel"),
            ("TemplateProcessing", "RobertaProcessing", "post_processor is RobertaProcessing"),
            ("\"lstrip\": false", "\"lstrip\": true", "[MASK] is lstrip"),
            ("{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},", "", "does not frame one text"),
        ])
    func otherFamily(part: String, replacement: String, reason: String) throws {
        let problem = try #require(throws: Problem.self) { try ids("a", json(replacing: part, with: replacement)) }
        #expect(problem.errorClass == "tokenizer_family")
        #expect(problem.location == "tokenizer.json")
        #expect(problem.reason.contains(reason))
    }

    @Test(
        "a damaged file is refused",
        arguments: [
            ("{\"version\"", "{\"version"), ("\"model\"", "\"modal\""), ("\"a\": 3", "\"a\": 2"),
            ("\"a\": 3", "\"a\": -3"), ("\"a\": 3", "\"a\": 99999999999"), ("\"a\": 3", "\"a\": 3.5"),
            ("\"A\": 6", "\"a\": 6"), ("\"unk_token\": \"[UNK]\",", ""), ("\"[UNK]\": 0", "\"[UNX]\": 0"),
            ("\"content\": \"[MASK]\"", "\"content\": \"\""), ("\"id\": 4", "\"id\": 5"), ("\"id\": 4", "\"id\": 40"),
        ])
    func damaged(part: String, replacement: String) throws {
        let problem = try #require(throws: Problem.self) { try ids("a", json(replacing: part, with: replacement)) }
        #expect(problem.errorClass == "tokenizer_malformed")
    }
}
