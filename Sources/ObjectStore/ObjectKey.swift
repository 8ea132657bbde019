public import Problem

/// The name of an object, valid in every store: parts joined by `/`.
///
/// A key has 1 to 1,024 bytes of UTF-8 (S3's limit) without control characters; a part has 1 to 255 bytes (the file
/// systems' limit) and does not begin with a dot, so that no key can leave a folder or meet a file of the store's own.
/// Keys compare by their bytes, as stores do: a composed and a decomposed é are two keys.
public struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The key as text.
    public let string: String

    /// Checks the rules above; throws ``Problem`` `bad_object_key`.
    public init(_ string: String) throws(Problem) {
        if let fault = Self.fault(string) {
            throw Problem(
                "bad_object_key", at: Problem.excerpt(string), fault,
                do: "choose a key of parts joined by /, without control characters and leading dots.")
        }
        self.string = string
    }

    /// Whether a text obeys the rules above.
    static func isKey(_ string: String) -> Bool { fault(string) == nil }

    private static func fault(_ string: String) -> String? {
        let bytes = string.utf8
        guard (1...1024).contains(bytes.count) else {
            return "the key has \(bytes.count) bytes, allowed are 1 to 1024."
        }
        guard !bytes.contains(where: { $0 < 32 || $0 == 127 }) else { return "the key holds a control character." }
        for part in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard (1...255).contains(part.count) else {
                return "a part of the key has \(part.count) bytes, allowed are 1 to 255."
            }
            guard part.first != UInt8(ascii: ".") else { return "a part of the key begins with a dot." }
        }
        return nil
    }

    /// The key as text.
    public var description: String { string }

    /// Equal bytes.
    public static func == (left: ObjectKey, right: ObjectKey) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    /// The order of bytes, in which stores list.
    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        for byte in string.utf8 { hasher.combine(byte) }
    }
}
