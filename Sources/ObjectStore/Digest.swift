import Crypto

/// SHA-256 as keys, headers and rows spell it.
public enum Digest {
    /// The digest of `bytes`: 64 lower-case hexadecimal digits.
    public static func sha256(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    /// Two lower-case digits per byte.
    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            for nibble in [byte >> 4, byte & 15] {
                text.append(nibble + (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
