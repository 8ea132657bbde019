import Problem
import StrictJSON

/// Token strings with their ids, as read from a file, before they are indexed.
struct Vocabulary: Sendable {
    /// The largest vocabulary that is read; ids stay far below `Int32.max`.
    static let sizeLimit = 1 << 24

    /// The tokens and their ids, in file order.
    let tokens: [(text: String, id: Int32)]
    /// One more than the largest id.
    let size: Int

    init(_ tokens: [(text: String, id: Int)], file: String) throws {
        var seen: Set<Int> = []
        seen.reserveCapacity(tokens.count)
        for token in tokens {
            guard (0..<Self.sizeLimit).contains(token.id) else {
                throw Self.malformed(file, "the token \(Problem.excerpt(token.text)) has the id \(token.id)")
            }
            guard seen.insert(token.id).inserted else { throw Self.malformed(file, "id \(token.id) has two tokens") }
        }
        self.tokens = tokens.map { ($0.text, Int32($0.id)) }
        size = (seen.max() ?? -1) + 1
    }

    /// Reads the `vocab` of a tokenizer.json: each token's id.
    init(_ members: [JSONObject.Member], file: String) throws {
        try self.init(
            members.map { member in
                guard let id = member.value.integer else {
                    throw Self.malformed(file, "the token \(Problem.excerpt(member.name)) has no whole id")
                }
                return (member.name, id)
            }, file: file)
    }

    /// Parses vocab.txt: one token a line, the id is the line number from 0.
    init(lines bytes: [UInt8], file: String) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Self.malformed(file, "the text is not UTF-8")
        }
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        try self.init(
            lines.enumerated().map { index, line in
                (String(Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)), index)
            }, file: file)
    }

    /// The id of exactly this token.
    func id(of text: String) -> Int32? { tokens.first { $0.text.utf8.elementsEqual(text.utf8) }?.id }

    static func malformed(_ file: String, _ reason: String) -> Problem {
        Problem("tokenizer_malformed", at: file, reason + ".", do: "fetch it again from where the model came from.")
    }
}
