public import FoundationEssentials

/// One parameter of a statement: its type on the server and its binary form, or NULL.
public struct Value: Sendable {
    let type: PostgresType
    /// nil is NULL.
    let bytes: [UInt8]?

    private init<Wrapped: PostgresValue>(_ value: Wrapped?) {
        type = Wrapped.type
        bytes = value.map {
            var bytes: [UInt8] = []
            $0.encode(into: &bytes)
            return bytes
        }
    }

    private init(type: PostgresType, bytes: [UInt8]?) {
        self.type = type
        self.bytes = bytes
    }

    /// `boolean`; nil is NULL, here and below.
    public static func bool(_ value: Bool?) -> Value { Value(value) }
    /// `smallint`
    public static func int16(_ value: Int16?) -> Value { Value(value) }
    /// `integer`
    public static func int32(_ value: Int32?) -> Value { Value(value) }
    /// `bigint`
    public static func int64(_ value: Int64?) -> Value { Value(value) }
    /// `real`
    public static func float(_ value: Float?) -> Value { Value(value) }
    /// `double precision`
    public static func double(_ value: Double?) -> Value { Value(value) }
    /// `text`. PostgreSQL keeps no NUL characters; one is refused by the server.
    public static func text(_ value: String?) -> Value { Value(value) }
    /// `bytea`
    public static func bytes(_ value: [UInt8]?) -> Value { Value(type: .bytea, bytes: value) }
    /// `uuid`
    public static func uuid(_ value: UUID?) -> Value { Value(value) }
    /// `timestamptz`, to the microsecond.
    public static func timestamp(_ value: Date?) -> Value { Value(value) }
    /// `jsonb`, from JSON text.
    public static func json(_ text: String?) -> Value {
        // The binary form of jsonb is a version byte, always 1, and the text.
        Value(type: .jsonb, bytes: text.map { [1] + Array($0.utf8) })
    }

    /// An array of any of the types above; an element that is nil is NULL. `[[UInt8]]` is `bytea[]`.
    public static func array<Element: PostgresValue>(_ values: [Element]?) -> Value {
        Value(
            type: Element.arrayType,
            bytes: values.map {
                var bytes: [UInt8] = []
                bytes.reserveCapacity(ArrayFormat.headerByteCount + 12 * $0.count)
                Element.encodeArray($0, into: &bytes)
                return bytes
            })
    }
}

/// The values for a statement's placeholders, in order.
public struct Parameters: Sendable, ExpressibleByArrayLiteral {
    let values: [Value]

    /// Takes the values for `$1`, `$2`, ….
    public init(_ values: [Value]) { self.values = values }

    /// Takes the values for `$1`, `$2`, ….
    public init(arrayLiteral elements: Value...) { values = elements }
}
