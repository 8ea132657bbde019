import Foundation
import Problem
import Testing
import Tokenizer

/// Byte pair encoding against the Hugging Face tokenizers library (`Fixtures/make_byte_pairs.py`).
@Suite struct BytePairTests {
    private struct Golden: Decodable {
        var text: String
        var gpt2: [Int32]
        var llama3: [Int32]
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.folder.appending(path: name)))
    }

    private func tokenizer(_ name: String) throws -> BytePairTokenizer {
        try BytePairTokenizer(json: try bytes(name), file: name)
    }

    private func golden() throws -> [Golden] {
        try JSONDecoder().decode([Golden].self, from: Data(try bytes("byte_pairs.json")))
    }

    @Test("the ids of every golden text are the reference's, under GPT-2's pattern and under Llama 3's")
    func reference() throws {
        let (gpt2, llama3) = try (tokenizer("byte_pairs_gpt2.json"), tokenizer("byte_pairs_llama3.json"))
        let golden = try golden()
        #expect(golden.count > 400)
        for line in golden {
            #expect(gpt2.encode(line.text) == line.gpt2, "\(line.text.debugDescription.prefix(200))")
            #expect(llama3.encode(line.text) == line.llama3, "\(line.text.debugDescription.prefix(200))")
        }
    }

    @Test("what was encoded is what is decoded, whatever it is")
    func roundTrip() throws {
        let gpt2 = try tokenizer("byte_pairs_gpt2.json")
        for line in try golden() {
            #expect(Array(gpt2.decode(line.gpt2).utf8) == Array(line.text.utf8))
        }
        // Half of a character is no text; every byte is there all the same.
        let euro = gpt2.encode("€")
        #expect(gpt2.decode(Array(euro.dropLast())).unicodeScalars.allSatisfy { $0 == "\u{FFFD}" })
        #expect(euro.flatMap { gpt2.bytes(of: $0) } == Array("€".utf8))
        #expect(gpt2.bytes(of: 1_000_000) == [])
    }

    @Test("a word of a hundred thousand letters takes no longer than its length asks for")
    func longWord() throws {
        let gpt2 = try tokenizer("byte_pairs_gpt2.json")
        let text = String(repeating: "ab", count: 50_000)
        #expect(gpt2.decode(gpt2.encode(text)) == text)
    }

    /// A file whose `old` is `new`, and the class it is refused with.
    private func refusal(_ name: String, _ old: String, _ new: String) throws -> String? {
        let text = try String(decoding: bytes(name), as: UTF8.self)
        #expect(text.contains(old), "\(name) has no \(old)")
        do {
            _ = try BytePairTokenizer(json: Array(text.replacing(old, with: new).utf8), file: name)
            return nil
        } catch let problem as Problem {
            return problem.errorClass
        }
    }

    @Test(
        "what would give other ids is refused: another model, pattern or normalizer, a merge of no tokens, a missing byte",
        arguments: [
            ("\"type\":\"BPE\"", "\"type\":\"Unigram\"", "tokenizer_family"),
            ("\"byte_fallback\":false", "\"byte_fallback\":true", "tokenizer_family"),
            ("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", "tokenizer_family"),
            ("\\\\p{N}{1,3}", "\\\\p{N}{1,4}", "tokenizer_family"),
            ("\"use_regex\":false", "\"use_regex\":true", "tokenizer_family"),
            ("[\"a\",\"a\"]", "[\"a\",\"nowhere\"]", "tokenizer_malformed"),
            ("[\"a\",\"a\"]", "[\"a\"]", "tokenizer_malformed"),
            ("\"merges\":[", "\"merges\":[[\"a\",\"a\"],", "tokenizer_malformed"),
            ("\"!\":", "\"!!!!\":", "tokenizer_malformed"),
            ("{\"id\":0,", "{\"id\":-1,", "tokenizer_malformed"), ("{\"id\":0,", "{\"id\":1,", "tokenizer_malformed"),
            ("{\"id\":500,", "{\"id\":0,", "tokenizer_malformed"),
            ("\"ids\":[0]", "\"ids\":[501]", "tokenizer_malformed"),
            ("\"ids\":[0]", "\"ids\":[-1]", "tokenizer_malformed"),
            ("\"ids\":[0]", "\"ids\":[\(String(repeating: "0,", count: 1000))0]", "tokenizer_malformed"),
            ("\"model\":", "\"modal\":", "tokenizer_malformed"),
        ])
    func refused(old: String, new: String, errorClass: String) throws {
        #expect(try refusal("byte_pairs_llama3.json", old, new) == errorClass)
    }
}
