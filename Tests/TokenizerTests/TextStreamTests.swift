import Testing
import Tokenizer

@Suite struct TextStreamTests {
    private static let samples: [[UInt8]] = [
        Array("plain, naïve — “日本語” 👩‍👩‍👧 e\u{301}".utf8), [0xE2, 0x82], [0xE2, 0x82, 0x41, 0xFF, 0xC3, 0xA9, 0xF0],
        [0x80, 0x80, 0x80, 0x80, 0x62], [0xF0, 0x9F, 0x98, 0xE2, 0x82, 0xAC], [],
    ]

    @Test("cut anywhere into pieces, the text of the pieces is the text of all bytes", arguments: samples)
    func pieces(bytes: [UInt8]) {
        for size in 1...7 {
            var (stream, text) = (TextStream(), "")
            for start in stride(from: 0, to: bytes.count, by: size) {
                text += stream.text(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            text += stream.end()
            #expect(Array(text.utf8) == Array(String(decoding: bytes, as: UTF8.self).utf8), "pieces of \(size)")
            #expect(stream.end().isEmpty)
        }
    }

    @Test("a character comes with its last byte, and nothing waits that is whole")
    func whole() {
        var stream = TextStream()
        #expect(stream.text([0x61, 0xE2]) == "a" && stream.text([0x82]).isEmpty && stream.text([0xAC, 0x62]) == "€b")
        #expect(stream.end().isEmpty)
    }
}
