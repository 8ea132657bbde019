extension JSONValue {
    /// Parses one JSON text and nothing after it but white space.
    ///
    /// Stricter than most readers: not UTF-8, a lone surrogate, a name that appears twice in one object, a number
    /// beyond `Double` and nesting deeper than `depthLimit` are errors. Linear in the number of bytes.
    public init(parsing bytes: [UInt8], depthLimit: Int = 32) throws(JSONSyntaxError) {
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw JSONSyntaxError(byteOffset: error.byteOffsets.lowerBound, reason: "the text is not UTF-8")
        }
        var parser = JSONParser(bytes: bytes, depthLimit: depthLimit)
        self = try parser.document()
    }
}

/// A recursive-descent reader over bytes that are known to be UTF-8.
struct JSONParser {
    let bytes: [UInt8]
    let depthLimit: Int
    var position = 0

    init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    mutating func document() throws(JSONSyntaxError) -> JSONValue {
        let value = try value(depth: 0)
        skipWhiteSpace()
        guard position == bytes.count else { throw failure("the value ends here, yet more text follows") }
        return value
    }

    func failure(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(byteOffset: position, reason: reason) }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipWhiteSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        guard depth <= depthLimit else { throw failure("nested deeper than \(depthLimit)") }
        skipWhiteSpace()
        guard let first = current else { throw failure("the text ends where a value is due") }
        switch first {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("no value starts with this byte")
        }
    }

    private mutating func literal(_ word: String, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        for byte in word.utf8 {
            guard take(byte) else { throw failure("expected \(word)") }
        }
        return value
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> [JSONValue] {
        position += 1
        var elements: [JSONValue] = []
        skipWhiteSpace()
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            elements.append(try value(depth: depth + 1))
            skipWhiteSpace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw failure("expected , or ] in an array") }
        }
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONObject {
        let start = position
        position += 1
        var members: [JSONObject.Member] = []
        skipWhiteSpace()
        if !take(UInt8(ascii: "}")) {
            repeat {
                skipWhiteSpace()
                guard current == UInt8(ascii: "\"") else { throw failure("expected a member name") }
                let name = try string()
                skipWhiteSpace()
                guard take(UInt8(ascii: ":")) else { throw failure("expected : after a member name") }
                members.append(JSONObject.Member(name: name, value: try value(depth: depth + 1)))
                skipWhiteSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw failure("expected , or } in an object") }
        }
        if Self.hasDuplicateName(members) {
            throw JSONSyntaxError(byteOffset: start, reason: "this object has a member name twice")
        }
        return JSONObject(members: members)
    }

    /// Small objects are compared pair by pair, which needs no memory; large ones through a set.
    private static func hasDuplicateName(_ members: [JSONObject.Member]) -> Bool {
        guard members.count <= 12 else {
            var seen: Set<[UInt8]> = []
            seen.reserveCapacity(members.count)
            return members.contains { !seen.insert(Array($0.name.utf8)).inserted }
        }
        for later in members.indices.dropFirst() {
            let name = members[later].name.utf8
            for earlier in 0..<later
            where members[earlier].name.utf8.count == name.count
                && members[earlier].name.utf8.elementsEqual(name)
            {
                return true
            }
        }
        return false
    }
}
