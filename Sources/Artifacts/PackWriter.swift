public import Adapters
import Crypto
import Foundation

/// Writes one delivery's adapters into one object; see ``Pack`` for the format.
public struct PackWriter: ~Copyable {
    private var coder: AdapterFrameCoder
    private var bytes: [UInt8]
    private var entries: [Pack.Entry] = []

    /// A pack of adapters of one provenance and `width` features.
    public init(provenance: AdapterProvenance, width: Int) {
        coder = AdapterFrameCoder(provenance: provenance, width: width)
        bytes = Pack.start
        bytes.append(word: Pack.version)
        bytes.append(word: UInt32(width))
        bytes += digest(ofHex: provenance.baseDigest)
        bytes += digest(ofHex: provenance.recipeDigest)
    }

    /// Adds a user's adapter and says where it lies.
    public mutating func add(_ delta: HeadDelta, uid: Int64) -> Pack.Entry {
        let frame = coder.encode(delta)
        let entry = Pack.Entry(
            uid: uid, offset: Int32(bytes.count), length: Int32(frame.count), sha256: Array(SHA256.hash(data: frame)))
        bytes += frame
        entries.append(entry)
        return entry
    }

    /// The whole object and its SHA-256.
    public consuming func finish() -> (bytes: [UInt8], sha256: [UInt8]) {
        let index = UInt32(bytes.count)
        for entry in entries {
            bytes.append(word: UInt32(truncatingIfNeeded: entry.uid))
            bytes.append(word: UInt32(truncatingIfNeeded: entry.uid >> 32))
            bytes.append(word: UInt32(entry.offset))
            bytes.append(word: UInt32(entry.length))
        }
        bytes.append(word: UInt32(entries.count))
        bytes.append(word: index)
        bytes += Pack.end
        return (bytes, Array(SHA256.hash(data: bytes)))
    }
}

extension [UInt8] {
    /// Appends a little-endian word.
    fileprivate mutating func append(word: UInt32) {
        for byte in 0..<4 { append(UInt8(truncatingIfNeeded: word >> UInt32(8 * byte))) }
    }
}

/// The 32 bytes of a digest written as 64 hexadecimal digits.
private func digest(ofHex text: String) -> [UInt8] {
    let digits = Array(text.utf8)
    precondition(digits.count == 64, "a SHA-256 has 64 hexadecimal digits")
    return stride(from: 0, to: 64, by: 2).map {
        UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16) ?? 0
    }
}
