import Crypto
public import Problem

/// Many users' frames in one object, with an index at its end: a million users do not need a million PUTs.
///
/// | offset | size | type | meaning |
/// |---|---|---|---|
/// | 0 | 8 | bytes | `ATTNPACK` |
/// | 8 | 4 | u32 | version, 2; readers refuse a newer one |
/// | 12 | 4 | u32 | width of the adapters |
/// | 16 | 32 | bytes | base digest |
/// | 48 | 32 | bytes | recipe digest |
/// | 80 | … | bytes | frames (``AdapterFrameCoder``), back to back |
/// | … | … | entries | uid less the one before (the first's less 0), zigzag varint; bytes of the frame, varint |
/// | end - 16 | 4 | u32 | number of entries n |
/// | end - 12 | 4 | u32 | offset of the first entry |
/// | end - 8 | 8 | bytes | `ATTNPEND` |
///
/// Integers are little-endian. A varint is 7 bits a byte, lowest first, the highest bit set where another byte follows, in
/// as few bytes as it takes; zigzag is `0, -1, 1, -2, … → 0, 1, 2, 3, …`. In version 1 an entry was 16 bytes: u64 uid, u32
/// offset, u32 length.
///
/// One user is read by one ranged GET, from offset and length in `attune.object_slot`; the
/// index is for repacking and for recovery without the database. It holds no digests: the frames' own stand in
/// `attune.object_slot`, and the whole object's in its key; 32 bytes a user would double what is stored.
public enum Pack {
    /// The newest version this code reads and the one it writes.
    public static let version: UInt32 = 2
    static let start = Array("ATTNPACK".utf8)
    static let end = Array("ATTNPEND".utf8)
    static let headerByteCount = 80
    static let trailerByteCount = 16

    /// Where one user's frame lies.
    public struct Entry: Sendable, Equatable {
        /// The user's surrogate id.
        public let uid: Int64
        /// First byte of the frame in the object.
        public let offset: Int32
        /// Bytes of the frame.
        public let length: Int32
        /// SHA-256 of the frame.
        public let sha256: [UInt8]
        /// Bytes of this entry in the index.
        public let indexByteCount: Int32

        /// What the user takes in the object: the frame and its entry.
        public var storedByteCount: Int32 { length + indexByteCount }
    }

    /// The entries of a whole pack, checked against its bytes; the caller has checked the digest of the pack.
    ///
    /// - Throws: `pack_malformed` or `payload_newer`.
    public static func entries(of pack: [UInt8], at location: String) throws(Problem) -> [Entry] {
        func malformed(_ reason: String) -> Problem {
            Problem("pack_malformed", at: location, reason, do: "fetch it again; its SHA-256 is in attune.object.")
        }
        guard (headerByteCount + trailerByteCount...Int(Int32.max)).contains(pack.count),
            Array(pack.prefix(8)) == start,
            Array(pack.suffix(8)) == end
        else { throw malformed("it does not begin and end as a pack of \(pack.count) bytes does.") }
        let version = pack.word(at: 8)
        guard version <= Self.version else {
            throw Problem(
                "payload_newer", at: location, "pack version \(version), this attune reads up to \(Self.version).",
                do: "install the newer attune; nothing was changed.")
        }
        let count = Int(pack.word(at: pack.count - 16))
        let index = Int(pack.word(at: pack.count - 12))
        let end = pack.count - trailerByteCount
        guard index >= headerByteCount, index <= end, count <= (end - index) / 2 else {
            throw malformed("an index of \(count) entries from byte \(index) does not fit \(pack.count) bytes.")
        }
        var reader = PackIndexReader(pack[index..<end], isFirstVersion: version == 1)
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        // Frames lie back to back: where they could share bytes, entries would name far more of them than there are.
        var covered = headerByteCount
        for number in 0..<count {
            guard let (uid, offset, length, byteCount) = reader.next(after: covered) else {
                throw malformed("entry \(number) of its index is not one.")
            }
            guard offset == covered, length > 0, length <= index - covered else {
                throw malformed(
                    "entry \(number) names bytes \(offset)+\(length), not the next of \(covered)..<\(index).")
            }
            covered += length
            entries.append(
                Entry(
                    uid: uid, offset: Int32(offset), length: Int32(length),
                    sha256: Array(SHA256.hash(data: pack[offset..<offset + length])), indexByteCount: byteCount))
        }
        guard covered == index else { throw malformed("bytes \(covered)..<\(index) belong to no entry.") }
        guard reader.isAtEnd else { throw malformed("its index goes on after entry \(count).") }
        return entries
    }
}
extension Collection<UInt8> where Index == Int {
    /// A little-endian word.
    func word(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[startIndex + offset + $1]) << UInt32(8 * $1) }
    }
}
