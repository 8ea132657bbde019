public import FoundationEssentials

extension Bool: PostgresValue {
    /// `boolean`
    public static var type: PostgresType { .bool }
    /// `boolean[]`
    public static var arrayType: PostgresType { .boolArray }
    /// One byte, 0 or 1.
    public func encode(into buffer: inout [UInt8]) { buffer.append(self ? 1 : 0) }
    /// Reads `boolean`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Bool {
        guard type == .bool else { throw .mismatch(type, as: Bool.self) }
        return try bytes.whole(UInt8.self, type) != 0
    }
}

extension Int16: PostgresValue {
    /// `smallint`
    public static var type: PostgresType { .int2 }
    /// `smallint[]`
    public static var arrayType: PostgresType { .int2Array }
    /// Two bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }
    /// Reads `smallint`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Int16 {
        guard type == .int2 else { throw .mismatch(type, as: Int16.self) }
        return try bytes.whole(Int16.self, type)
    }
}

extension Int32: PostgresValue {
    /// `integer`
    public static var type: PostgresType { .int4 }
    /// `integer[]`
    public static var arrayType: PostgresType { .int4Array }
    /// Four bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }
    /// Reads `integer` and `smallint`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Int32 {
        switch type {
        case .int4: try bytes.whole(Int32.self, type)
        case .int2: Int32(try bytes.whole(Int16.self, type))
        default: throw .mismatch(type, as: Int32.self)
        }
    }
}

extension Int64: PostgresValue {
    /// `bigint`
    public static var type: PostgresType { .int8 }
    /// `bigint[]`
    public static var arrayType: PostgresType { .int8Array }
    /// Eight bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }
    /// Reads `bigint`, `integer`, `smallint`, `oid` and `xid8`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Int64 {
        switch type {
        case .int8, .xid8: try bytes.whole(Int64.self, type)
        case .int4: Int64(try bytes.whole(Int32.self, type))
        case .int2: Int64(try bytes.whole(Int16.self, type))
        case .oidType: Int64(try bytes.whole(UInt32.self, type))
        default: throw .mismatch(type, as: Int64.self)
        }
    }
}

extension Int: PostgresDecodable {
    /// Reads every integer type, as `Int64` does.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Int {
        Int(try Int64.decode(bytes, type))
    }
}

extension Float: PostgresValue {
    /// `real`
    public static var type: PostgresType { .float4 }
    /// `real[]`
    public static var arrayType: PostgresType { .float4Array }
    /// Four bytes, IEEE 754.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: bitPattern) }
    /// Reads `real`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Float {
        guard type == .float4 else { throw .mismatch(type, as: Float.self) }
        return Float(bitPattern: try bytes.whole(UInt32.self, type))
    }
}

extension Double: PostgresValue {
    /// `double precision`
    public static var type: PostgresType { .float8 }
    /// `double precision[]`
    public static var arrayType: PostgresType { .float8Array }
    /// Eight bytes, IEEE 754.
    public func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: bitPattern) }
    /// Reads `double precision` and `real`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Double {
        switch type {
        case .float8: Double(bitPattern: try bytes.whole(UInt64.self, type))
        case .float4: Double(Float(bitPattern: try bytes.whole(UInt32.self, type)))
        default: throw .mismatch(type, as: Double.self)
        }
    }
}

extension String: PostgresValue {
    /// `text`
    public static var type: PostgresType { .text }
    /// `text[]`
    public static var arrayType: PostgresType { .textArray }
    /// The UTF-8 bytes.
    public func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: utf8) }
    /// Reads every character type, `json`, `jsonb`, and the labels of enums.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> String {
        // jsonb is sent as a version byte, always 1, and the text. Types above 16383 are made by users: enums send text.
        let isText =
            [.text, .varchar, .name, .bpchar, .json, .jsonb, .unknown, .char].contains(type) || type.oid >= 16384
        guard isText else { throw .mismatch(type, as: String.self) }
        let text = unsafe bytes.withUnsafeBytes {
            unsafe String(validating: type == .jsonb ? $0.dropFirst()[...] : $0[...], as: UTF8.self)
        }
        guard let text else { throw PostgresError(.decoding, "a value of type \(type) is not UTF-8") }
        return text
    }
}

extension UUID: PostgresValue {
    /// `uuid`
    public static var type: PostgresType { .uuid }
    /// `uuid[]`
    public static var arrayType: PostgresType { .uuidArray }
    /// Sixteen bytes.
    public func encode(into buffer: inout [UInt8]) {
        unsafe Swift.withUnsafeBytes(of: uuid) { unsafe buffer.append(contentsOf: $0) }
    }
    /// Reads `uuid`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> UUID {
        guard type == .uuid else { throw .mismatch(type, as: UUID.self) }
        guard bytes.byteCount == 16 else { throw .malformed(type, bytes.byteCount) }
        return UUID(uuid: unsafe bytes.unsafeLoadUnaligned(as: uuid_t.self))
    }
}

extension Date: PostgresValue {
    /// Seconds from 2001-01-01, where `Date` counts from, back to 2000-01-01, where PostgreSQL counts from.
    private static let epochDifference = 366.0 * 86_400

    /// `timestamptz`
    public static var type: PostgresType { .timestamptz }
    /// `timestamptz[]`
    public static var arrayType: PostgresType { .timestamptzArray }
    /// Microseconds since 2000-01-01 00:00 UTC; `distantPast` and `distantFuture` are the infinities.
    public func encode(into buffer: inout [UInt8]) {
        let microseconds: Int64 =
            switch self {
            case .distantFuture: .max
            case .distantPast: .min
            default:
                Int64(((timeIntervalSinceReferenceDate + Self.epochDifference) * 1_000_000).rounded())
            }
        buffer.append(bigEndian: microseconds)
    }
    /// Reads `timestamptz`.
    public static func decode(_ bytes: RawSpan, _ type: PostgresType) throws(PostgresError) -> Date {
        guard type == .timestamptz else { throw .mismatch(type, as: Date.self) }
        switch try bytes.whole(Int64.self, type) {
        case .max: return .distantFuture
        case .min: return .distantPast
        case let microseconds:
            return Date(timeIntervalSinceReferenceDate: Double(microseconds) / 1_000_000 - epochDifference)
        }
    }
}
