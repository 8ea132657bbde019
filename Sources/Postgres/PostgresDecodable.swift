/// A Swift type that a column can be read as.
///
/// Every value travels in the server's binary format (its `…send` functions): integers and floats big-endian, arrays
/// with a header of dimensions.
public protocol PostgresDecodable: Sendable {
    /// Reads a value that is not NULL.
    static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Self
    /// What NULL reads as; throws for types that have no such value.
    static func decodeNull() throws(PostgresError) -> Self
}

extension PostgresDecodable {
    /// NULL is no value of this type: read it as an optional where the column may hold NULL.
    public static func decodeNull() throws(PostgresError) -> Self {
        throw PostgresError(.decoding, "NULL cannot be read as \(Self.self)")
    }
}

/// A Swift type that a column or an array's element can be read as and written from.
public protocol PostgresValue: PostgresDecodable {
    /// The type a parameter of this Swift type has.
    static var type: PostgresType { get }
    /// The type of an array of them.
    static var arrayType: PostgresType { get }
    /// Appends the binary form, without its length.
    func encode(into buffer: inout [UInt8])
    /// Reads a whole array. A requirement, so that each type has its own compiled loop.
    static func decodeArray(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> [Self]
    /// Appends a whole array. A requirement, so that each type has its own compiled loop.
    static func encodeArray(_ values: [Self], into buffer: inout [UInt8])
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// Reads the wrapped value.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Self {
        try Wrapped.decode(bytes, type)
    }

    /// NULL reads as nil.
    public static func decodeNull() throws(PostgresError) -> Self { nil }
}

extension RawSpan {
    /// The big-endian integer at `offset`, which the caller has checked.
    func integer<Integer: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: Integer.Type) -> Integer {
        unsafe Integer(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    /// The big-endian integer that is all of these bytes.
    func whole<Integer: FixedWidthInteger & BitwiseCopyable>(
        _: Integer.Type, _ type: PostgresType
    ) throws(PostgresError) -> Integer {
        guard byteCount == MemoryLayout<Integer>.size else { throw .malformed(type, byteCount) }
        return integer(at: 0, as: Integer.self)
    }
}

extension Array where Element == UInt8 {
    /// Appends an integer, big-endian.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
    }
}

extension PostgresError {
    static func mismatch(_ type: PostgresType, as swiftType: Any.Type) -> PostgresError {
        PostgresError(.decoding, "\(type) cannot be read as \(swiftType)")
    }

    static func malformed(_ type: PostgresType, _ byteCount: Int) -> PostgresError {
        PostgresError(.decoding, "\(byteCount) bytes are no value of type \(type)")
    }
}
