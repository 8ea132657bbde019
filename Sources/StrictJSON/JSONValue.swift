/// One JSON value (RFC 8259), with strings and member names kept byte for byte.
public enum JSONValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction or exponent that fits 64 bits.
    case integer(Int)
    /// Any other number; always finite.
    case real(Double)
    /// A string, escapes resolved.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object(JSONObject)

    /// The text of a string, else nil.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The value of an integer, else nil.
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    /// The value of any number, else nil.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        default: nil
        }
    }

    /// The value of a boolean, else nil.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The elements of an array, else nil.
    public var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// The members of an object, else nil.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// Whether this is `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }
}

/// The members of a JSON object in the order they were written; names are unique, byte for byte.
///
/// Not a dictionary: Swift strings that are canonically equivalent are equal, so a dictionary would take two
/// different tokens of a vocabulary for one.
public struct JSONObject: Sendable {
    /// One name and its value.
    public struct Member: Sendable {
        /// The name, escapes resolved.
        public let name: String
        /// The value.
        public let value: JSONValue
    }

    /// The members in file order.
    public let members: [Member]

    package init(members: [Member]) { self.members = members }

    /// Parses a text that is one object.
    public init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
        guard let object = try JSONValue(parsing: bytes).object else {
            throw JSONSyntaxError(byteOffset: 0, reason: "it is not an object")
        }
        self = object
    }

    /// The value of the member of exactly this name; linear in the number of members.
    public subscript(name: String) -> JSONValue? {
        members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }
}

/// Where a text stops being JSON, and why.
public struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Offset of the first byte that does not fit.
    public let byteOffset: Int
    /// What is wrong there, without quoting the text.
    public let reason: String

    /// `byte 17: a member name appears twice`.
    public var description: String { "byte \(byteOffset): \(reason)" }
}
