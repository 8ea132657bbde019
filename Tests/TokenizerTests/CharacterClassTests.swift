import Foundation
import Testing
import Tokenizer

@Suite struct CharacterClassTests {
    /// One line per block of 256 scalars, made by `Tests/ModelTests/Fixtures/make_golden.py` with the reference.
    private func blocks() throws -> [(first: UInt32, digest: UInt64)] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/classes.txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            let fields = line.split(separator: " ")
            try #require(fields.count == 2)
            return (try #require(UInt32(fields[0], radix: 16)), try #require(UInt64(fields[1], radix: 16)))
        }
    }

    /// FNV-1a, 64 bits.
    private func digest(_ bytes: some Sequence<UInt8>, _ start: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
        bytes.reduce(start) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    @Test("every scalar of the first two planes is cleaned, folded and split as the reference does it")
    func everyScalar() throws {
        let blocks = try blocks()
        #expect(blocks.count == 504)
        let normalizer = BertNormalizer()
        var differing: [String] = []
        for (first, expected) in blocks {
            var value = digest([])
            for code in first..<first + 256 {
                let scalar = try #require(Unicode.Scalar(code))
                normalizer.forEachWord(in: "a\(Character(scalar))b") { word, _ in value = digest(word + [0], value) }
                value = digest([1], value)
            }
            if value != expected { differing.append(String(first, radix: 16)) }
        }
        // U+11938: its decomposition, of Unicode 13, is younger than the reference's tables.
        #expect(differing == ["11900"])
    }
}
