/// An array's binary form: dimensions (0 or 1), whether any element is NULL, the element type's oid, then count and
/// lower bound of the dimension, then each element as a length (-1 = NULL) and its bytes; every number is four bytes.
enum ArrayFormat {
    static let headerByteCount = 20

    /// Appends the header of a one-dimensional array.
    static func encodeHeader(_ element: PostgresType, count: Int, hasNulls: Bool, into buffer: inout [UInt8]) {
        buffer.append(bigEndian: Int32(count == 0 ? 0 : 1))
        buffer.append(bigEndian: Int32(hasNulls ? 1 : 0))
        buffer.append(bigEndian: element.oid)
        guard count > 0 else { return }
        buffer.append(bigEndian: Int32(count))
        buffer.append(bigEndian: Int32(1))
    }

    /// Appends one element with its length.
    static func encodeElement(_ value: some PostgresValue, into buffer: inout [UInt8]) {
        let start = buffer.count
        buffer.append(bigEndian: Int32(0))
        value.encode(into: &buffer)
        let length = UInt32(buffer.count - start - 4)
        for byte in 0..<4 { buffer[start + byte] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * byte)) }
    }

    /// The element type and the number of elements; several dimensions are read as one.
    static func decodeHeader(
        _ bytes: RawSpan, _ type: PostgresType
    ) throws(PostgresError) -> (element: PostgresType, count: Int, start: Int) {
        guard bytes.byteCount >= 12 else { throw .malformed(type, bytes.byteCount) }
        let dimensions = Int(bytes.integer(at: 0, as: Int32.self))
        let element = PostgresType(oid: bytes.integer(at: 8, as: UInt32.self))
        guard dimensions > 0 else { return (element, 0, 12) }
        guard dimensions <= 6, bytes.byteCount >= 12 + 8 * dimensions else { throw .malformed(type, bytes.byteCount) }
        var count = 1
        for dimension in 0..<dimensions { count *= Int(bytes.integer(at: 12 + 8 * dimension, as: Int32.self)) }
        // Each element takes at least the four bytes of its length, so a count beyond that is a damaged message.
        guard count >= 0, count <= bytes.byteCount / 4 else { throw .malformed(type, bytes.byteCount) }
        return (element, count, 12 + 8 * dimensions)
    }

    /// Calls `body` with each element's bytes, nil for NULL.
    @inline(__always)
    static func decodeElements<Element>(
        _ bytes: RawSpan, _ type: PostgresType,
        value: (RawSpan, PostgresType) throws(PostgresError) -> Element,
        null: () throws(PostgresError) -> Element
    ) throws(PostgresError) -> [Element] {
        let (elementType, count, start) = try decodeHeader(bytes, type)
        var (elements, offset) = ([Element](), start)
        elements.reserveCapacity(count)
        for _ in 0..<count {
            guard offset + 4 <= bytes.byteCount else { throw .malformed(type, bytes.byteCount) }
            let length = Int(bytes.integer(at: offset, as: Int32.self))
            offset += 4
            if length < 0 {
                elements.append(try null())
                continue
            }
            guard offset + length <= bytes.byteCount else { throw .malformed(type, bytes.byteCount) }
            elements.append(try value(bytes.extracting(offset..<offset + length), elementType))
            offset += length
        }
        return elements
    }
}

extension PostgresValue {
    /// Reads an array without NULLs.
    public static func decodeArray(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> [Self] {
        try ArrayFormat.decodeElements(bytes, type, value: decode, null: decodeNull)
    }

    /// Appends the array.
    public static func encodeArray(_ values: [Self], into buffer: inout [UInt8]) {
        ArrayFormat.encodeHeader(type, count: values.count, hasNulls: false, into: &buffer)
        for value in values { ArrayFormat.encodeElement(value, into: &buffer) }
    }
}

extension Optional: PostgresValue where Wrapped: PostgresValue {
    /// The wrapped type's.
    public static var type: PostgresType { Wrapped.type }
    /// The wrapped type's.
    public static var arrayType: PostgresType { Wrapped.arrayType }

    /// Appends the wrapped value; nil has no bytes, its length says it is NULL.
    public func encode(into buffer: inout [UInt8]) { self?.encode(into: &buffer) }

    /// Appends the array, nil as NULL.
    public static func encodeArray(_ values: [Self], into buffer: inout [UInt8]) {
        let hasNulls = values.contains { $0 == nil }
        ArrayFormat.encodeHeader(type, count: values.count, hasNulls: hasNulls, into: &buffer)
        for value in values {
            if let value {
                ArrayFormat.encodeElement(value, into: &buffer)
            } else {
                buffer.append(bigEndian: Int32(-1))
            }
        }
    }
}

/// A byte is PostgreSQL's `"char"`; an array of bytes reads `bytea`.
extension UInt8: PostgresValue {
    /// `"char"`
    public static var type: PostgresType { .char }
    /// `"char"[]`; bytes are written as `bytea` by ``Value/bytes(_:)``.
    public static var arrayType: PostgresType { .charArray }
    /// The byte.
    public func encode(into buffer: inout [UInt8]) { buffer.append(self) }
    /// Reads `"char"`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> UInt8 {
        guard type == .char else { throw .mismatch(type, as: UInt8.self) }
        return try bytes.whole(UInt8.self, type)
    }
    /// Reads `bytea`.
    public static func decodeArray(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> [UInt8] {
        guard type == .bytea else { throw .mismatch(type, as: [UInt8].self) }
        return unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}

extension Array: PostgresDecodable where Element: PostgresValue {
    /// Reads an array; `[UInt8]` reads `bytea`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> [Element] {
        try Element.decodeArray(bytes, type)
    }
}

/// `bytea`, as the element of an array.
extension Array: PostgresValue where Element == UInt8 {
    /// `bytea`
    public static var type: PostgresType { .bytea }
    /// `bytea[]`
    public static var arrayType: PostgresType { .byteaArray }
    /// The bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: self) }
}
