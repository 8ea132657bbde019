import Tokenizer

extension FuzzTarget {
    /// tokenizer.json of a byte pair encoding. `"@":0` in it stands for the tokens of all bytes, ids 44 to 299, which a
    /// vocabulary must hold: a mutation could only break them, and they would be most of the input.
    static let bytePairs = FuzzTarget("byte-pairs") { bytes in
        let tokenizer = try BytePairTokenizer(json: withAlphabet(bytes), file: "fuzzed")
        let known = 0..<Int32(tokenizer.vocabularySize)
        promise((tokenizer.startTokens + tokenizer.endTokens).allSatisfy(known.contains))
        for text in texts(bytes) {
            let ids = tokenizer.encode(text)
            promise(ids.allSatisfy(known.contains), "ids beyond the vocabulary")
            let own = ids.dropFirst(tokenizer.startTokens.count).dropLast(tokenizer.endTokens.count)
            // A file may say that texts begin with a space.
            let decoded = tokenizer.decode(Array(own)).utf8.filter { $0 != UInt8(ascii: " ") }
            promise(decoded == text.utf8.filter { $0 != UInt8(ascii: " ") }, "what is decoded was not encoded")
        }
        for id in [-1, 0, Int32(tokenizer.vocabularySize), .max] { _ = tokenizer.decode([id]) }
    }

    /// tokenizer.json of BERT's WordPiece.
    static let wordPieces = FuzzTarget("word-pieces") { bytes in
        encode(bytes, with: try WordPieceTokenizer(json: bytes, file: "fuzzed"))
    }

    /// vocab.txt of BERT's WordPiece.
    static let vocabulary = FuzzTarget("vocabulary") { bytes in
        encode(bytes, with: try WordPieceTokenizer(vocabularyLines: bytes, file: "fuzzed"))
    }

    private static func encode(_ bytes: [UInt8], with tokenizer: WordPieceTokenizer) {
        let known = 0..<Int32(tokenizer.vocabularySize)
        for text in texts(bytes) {
            for limit in [2, 3, 64] {
                let ids = tokenizer.encode(text, maximumTokens: limit)
                promise((2...limit).contains(ids.count))
                promise(ids.first == tokenizer.startToken && ids.last == tokenizer.endToken)
                promise(ids.allSatisfy(known.contains), "ids beyond the vocabulary")
            }
        }
    }

    /// Texts of every kind that tokenizers tell apart, and a stretch of the input, in which the file's own tokens stand.
    private static func texts(_ bytes: [UInt8]) -> [String] {
        [
            "", " ", "Naïve café isn't  haunted:\r\n\t12345 犬\u{301}…", "aabbcc 'S\u{0}\u{FFFD}",
            String(decoding: bytes.suffix(300), as: UTF8.self),
        ]
    }

    private static let alphabetStart: UInt32 = 44

    /// tokenizer.json with `"@":0` replaced.
    static func withAlphabet(_ bytes: [UInt8]) -> [UInt8] {
        guard let place = bytes.firstRange(of: Array(#""@":0"#.utf8)) else { return bytes }
        return bytes[..<place.lowerBound] + alphabet + bytes[place.upperBound...]
    }

    private static let alphabet: [UInt8] = {
        // Printable bytes stand for themselves, the others for the characters from U+0100 on.
        var next: UInt32 = 0x100
        let members = (UInt32(0)...255).map { byte in
            var scalar = byte
            if !((33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)) {
                scalar = next
                next += 1
            }
            let character = Unicode.Scalar(scalar).map { Character($0) } ?? "?"
            let escaped = character == "\"" || character == "\\" ? "\\\(character)" : "\(character)"
            return "\"\(escaped)\":\(alphabetStart + byte)"
        }
        return Array(members.joined(separator: ",").utf8)
    }()
}
