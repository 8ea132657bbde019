import Population
import Problem
import StrictJSON

/// Items of a catalogue from a file: JSON lines with `id` (or `item`) and `text`, or CSV with the columns id and text.
struct ItemFile: ~Copyable {
    /// One line or record of the file.
    enum Entry {
        case item(CatalogueItem)
        case refused(Problem)
    }

    private static let lineBytes = 1 << 20

    private let path: String
    /// One of the two is there, by the file's name.
    private var lines: LineReader?
    private var records: SeparatedValues?
    private var seen: Set<String> = []

    init(path: String) throws(Problem) {
        let isCSV = path.hasSuffix(".csv") || path.hasSuffix(".csv.zst")
        let records = isCSV ? try SeparatedValues(path: path) : nil
        let lines = isCSV ? nil : try LineReader(path: path, byteLimit: Self.lineBytes)
        self.path = path
        self.records = records
        self.lines = lines
    }

    /// The next item or refused line; nil at the end.
    mutating func next() throws(Problem) -> Entry? {
        records == nil ? try nextLine() : try nextRecord()
    }

    private mutating func nextLine() throws(Problem) -> Entry? {
        while let line = try lines?.next() {
            let location = "\(path):\(lines?.number ?? 0)"
            guard case .bytes(let bytes) = line else {
                return .refused(
                    Problem(
                        "line_too_long", at: location, "the line is longer than \(Self.lineBytes) bytes.",
                        do: "shorten the text to 20,000 characters."))
            }
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            let object: JSONObject?
            do { object = try JSONValue(parsing: bytes).object } catch {
                return .refused(.badJSON(error, at: location))
            }
            guard let id = (object?["id"] ?? object?["item"]).flatMap({ $0.string ?? $0.integer.map(String.init) }),
                let text = object?["text"]?.string
            else {
                return .refused(
                    Problem(
                        "bad_item_line", at: location, "the line has no \"id\" or no \"text\".",
                        do: "write {\"id\": \"m17\", \"text\": \"…\"} on one line."))
            }
            return check(CatalogueItem(id: id, text: text), location)
        }
        return nil
    }

    private mutating func nextRecord() throws(Problem) -> Entry? {
        while let fields = try records?.next() {
            let line = records?.line ?? 0
            if line == 1, fields.map({ $0.lowercased() }) == ["id", "text"] { continue }
            let location = "\(path):\(line)"
            guard fields.count == 2 else {
                return .refused(
                    Problem(
                        "bad_csv", at: location, "\(fields.count) fields, 2 are expected.",
                        do: "write id,text with the text in quotes."))
            }
            return check(CatalogueItem(id: fields[0], text: fields[1]), location)
        }
        return nil
    }

    /// The limits that the database holds items to, told for the line.
    private mutating func check(_ item: CatalogueItem, _ location: String) -> Entry {
        func refused(_ errorClass: String, _ reason: String, do remedy: String) -> Entry {
            .refused(Problem(errorClass, at: location, reason, do: remedy))
        }
        let (idLength, textLength) = (item.id.unicodeScalars.count, item.text.unicodeScalars.count)
        guard (1...200).contains(idLength), item.id.unicodeScalars.allSatisfy({ $0.value >= 32 }) else {
            return refused(
                "bad_item_id", "the id has \(idLength) characters, 1 to 200 without control characters are allowed.",
                do: "choose another id.")
        }
        guard item.text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            return refused("empty_text", "item \(Problem.excerpt(item.id)) has no text.", do: "leave the item out.")
        }
        guard textLength <= 20_000 else {
            return refused("text_too_long", "\(textLength) characters, 20,000 at most.", do: "shorten it.")
        }
        guard !item.text.unicodeScalars.contains("\0") else {
            return refused("bad_text", "the text holds a NUL character.", do: "remove it.")
        }
        guard seen.insert(item.id).inserted else {
            return refused(
                "duplicate_item", "item \(Problem.excerpt(item.id)) came before in this file.", do: "keep one of them.")
        }
        return .item(item)
    }
}

extension Problem {
    /// A line that is no JSON.
    static func badJSON(_ error: JSONSyntaxError, at location: String) -> Problem {
        Problem(
            "bad_json", at: location, "column \(error.byteOffset + 1): \(error.reason).",
            do: "correct this line, one JSON object.")
    }
}
