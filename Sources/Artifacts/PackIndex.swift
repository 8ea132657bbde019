/// Writes the entries of a pack's index, each from what the one before leaves.
struct PackIndexWriter {
    private(set) var bytes: [UInt8] = []
    private var lastUID: Int64 = 0

    /// Appends a user's entry; returns its bytes.
    mutating func add(uid: Int64, length: Int) -> Int32 {
        let before = bytes.count
        let step = uid &- lastUID
        append(varint: UInt64(bitPattern: (step << 1) ^ (step >> 63)))
        append(varint: UInt64(length))
        lastUID = uid
        return Int32(bytes.count - before)
    }

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Reads the entries of a pack's index, of either version.
struct PackIndexReader {
    private var rest: ArraySlice<UInt8>
    private let isFirstVersion: Bool
    private var lastUID: Int64 = 0

    init(_ bytes: ArraySlice<UInt8>, isFirstVersion: Bool) {
        rest = bytes
        self.isFirstVersion = isFirstVersion
    }

    /// Whether nothing is left.
    var isAtEnd: Bool { rest.isEmpty }

    /// The next entry; nil where the bytes are none.
    ///
    /// - Parameter covered: where the frame before ends, which the second version does not repeat.
    mutating func next(after covered: Int) -> (uid: Int64, offset: Int, length: Int, byteCount: Int32)? {
        let before = rest.count
        if isFirstVersion {
            guard rest.count >= 16 else { return nil }
            let uid = UInt64(rest.word(at: 0)) | UInt64(rest.word(at: 4)) << 32
            let (offset, length) = (Int(rest.word(at: 8)), Int(rest.word(at: 12)))
            rest.removeFirst(16)
            return (Int64(bitPattern: uid), offset, length, 16)
        }
        guard let zigzag = varint(), let length = varint(), length <= UInt64(Int32.max) else { return nil }
        lastUID = lastUID &+ (Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1))
        return (lastUID, covered, Int(length), Int32(before - rest.count))
    }

    /// 7 bits a byte; nil where it is cut short, has more than 64 bits, or is longer than it has to be.
    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            if shift == 63 && byte > 1 { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return byte == 0 && shift > 0 ? nil : value }
        }
        return nil
    }
}
