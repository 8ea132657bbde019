public import Adapters
import Crypto

/// Writes one delivery's adapters into one object; see ``Pack`` for the format.
public struct PackWriter: ~Copyable {
    private var coder: AdapterFrameCoder
    private var bytes: [UInt8]
    private var index = PackIndexWriter()
    private var count: UInt32 = 0

    /// A pack of adapters of one provenance and `width` features.
    public init(provenance: AdapterProvenance, width: Int) {
        coder = AdapterFrameCoder(provenance: provenance, width: width)
        bytes = Pack.start
        bytes += Pack.version.littleEndianBytes
        bytes += UInt32(width).littleEndianBytes
        bytes += provenance.digestBytes
    }

    /// Adds a user's head and says where it lies.
    public mutating func add(_ delta: HeadDelta, uid: Int64) -> Pack.Entry { add(.head(delta), uid: uid) }

    /// Adds a user's adapter and says where it lies.
    public mutating func add(_ delta: UserDelta, uid: Int64) -> Pack.Entry {
        let frame = coder.encode(delta)
        let offset = bytes.count
        bytes += frame
        count += 1
        return Pack.Entry(
            uid: uid, offset: Int32(offset), length: Int32(frame.count), sha256: Array(SHA256.hash(data: frame)),
            indexByteCount: index.add(uid: uid, length: frame.count))
    }

    /// The whole object and its SHA-256.
    public consuming func finish() -> (bytes: [UInt8], sha256: [UInt8]) {
        let start = UInt32(bytes.count)
        bytes += index.bytes
        bytes += count.littleEndianBytes
        bytes += start.littleEndianBytes
        bytes += Pack.end
        return (bytes, Array(SHA256.hash(data: bytes)))
    }
}
