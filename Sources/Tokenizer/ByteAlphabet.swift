/// The characters by which byte-level vocabularies write bytes (Radford et al. 2019): printable ones stand for themselves,
/// the other 68 for the characters from U+0100 on, so that no token contains a space or a control character.
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0...255).map { (byte: UInt32) in
            let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
            if isPrintable { return Unicode.Scalar(UInt8(byte)) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "?"
        }
    }()

    private static let bytes = Dictionary(uniqueKeysWithValues: scalars.enumerated().map { ($1, UInt8($0)) })

    /// The bytes that a token's text stands for; nil where it holds another character.
    static func bytes(of token: String) -> [UInt8]? {
        var result: [UInt8] = []
        for scalar in token.unicodeScalars {
            guard let byte = bytes[scalar] else { return nil }
            result.append(byte)
        }
        return result
    }
}
