/// One element of the small XML documents that S3 answers with: name, text and children; attributes are dropped.
struct XMLElement: Sendable, Equatable {
    /// The name without its prefix.
    let name: String
    fileprivate(set) var text = ""
    fileprivate(set) var children: [XMLElement] = []

    init(name: String) { self.name = name }

    /// The first child of that name.
    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The root element of a document; nil when it is not well-formed, deeper than 16 or declares entities.
    static func parse(_ document: [UInt8]) -> XMLElement? {
        guard let text = String(validating: document, as: UTF8.self) else { return nil }
        var parser = XMLParser(rest: text[...])
        return parser.document()
    }
}

/// A parser for elements, text, the five named and the numeric character references; it knows no DTD, so that no
/// document can make it expand or fetch anything.
private struct XMLParser {
    var rest: Substring
    private static let depthLimit = 16

    mutating func document() -> XMLElement? {
        skipMisc()
        guard rest.first == "<", let root = element(depth: 0) else { return nil }
        skipMisc()
        return rest.isEmpty ? root : nil
    }

    /// Space, `<?…?>` and comments around the root.
    private mutating func skipMisc() {
        while true {
            rest = rest.drop(while: \.isWhitespace)
            if rest.hasPrefix("<?"), let end = rest.firstRange(of: "?>") {
                rest = rest[end.upperBound...]
            } else if rest.hasPrefix("<!--"), let end = rest.firstRange(of: "-->") {
                rest = rest[end.upperBound...]
            } else {
                return
            }
        }
    }

    private mutating func element(depth: Int) -> XMLElement? {
        guard depth < Self.depthLimit, let close = rest.firstIndex(of: ">") else { return nil }
        let tag = rest[rest.index(after: rest.startIndex)..<close]
        rest = rest[rest.index(after: close)...]
        let name = tag.prefix { !$0.isWhitespace && $0 != "/" }
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || "_:.-".contains($0) }) else { return nil }
        var element = XMLElement(name: String(name.split(separator: ":").last ?? name))
        if tag.last == "/" { return element }
        while !rest.isEmpty {
            if rest.hasPrefix("</") {
                guard let end = rest.firstIndex(of: ">") else { return nil }
                let closing = rest[rest.index(rest.startIndex, offsetBy: 2)..<end].filter { !$0.isWhitespace }
                rest = rest[rest.index(after: end)...]
                return closing == name ? element : nil
            } else if rest.hasPrefix("<!--") {
                guard let end = rest.firstRange(of: "-->") else { return nil }
                rest = rest[end.upperBound...]
            } else if rest.first == "<" {
                guard let child = self.element(depth: depth + 1) else { return nil }
                element.children.append(child)
            } else {
                let piece = rest.prefix { $0 != "<" }
                rest = rest[piece.endIndex...]
                guard let text = Self.resolved(piece) else { return nil }
                element.text += text
            }
        }
        return nil
    }

    /// The text with its character references resolved; nil when one is unknown.
    private static func resolved(_ text: Substring) -> String? {
        guard text.contains("&") else { return String(text) }
        var result = ""
        var rest = text
        while let ampersand = rest.firstIndex(of: "&") {
            result += rest[..<ampersand]
            guard let end = rest[ampersand...].firstIndex(of: ";") else { return nil }
            let name = rest[rest.index(after: ampersand)..<end]
            switch name {
            case "amp": result += "&"
            case "lt": result += "<"
            case "gt": result += ">"
            case "quot": result += "\""
            case "apos": result += "'"
            default:
                guard name.first == "#" else { return nil }
                let digits = name.dropFirst()
                let value = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
                guard let scalar = value.flatMap(Unicode.Scalar.init) else { return nil }
                result.unicodeScalars.append(scalar)
            }
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }
}
