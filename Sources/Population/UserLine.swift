import Problem
import StrictJSON

/// Turns one line of JSON into a user, or into the problem that names the line and what to do.
struct UserLine {
    let location: String
    let limits: PopulationReader.Limits

    func user(from bytes: [UInt8]) throws(Problem) -> UserExamples {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch {
            throw notJSON(error, in: bytes)
        }
        guard let object = value.object else {
            throw shape("the line is not a JSON object.")
        }
        guard let name = try identifier(object["user"], called: "user") else {
            throw shape("the member \"user\" is missing.")
        }
        guard let array = object["examples"]?.array else {
            throw shape("the member \"examples\" is missing or no array.")
        }
        guard array.count <= limits.examples else {
            throw Problem(
                "too_many_examples", at: location, "\(array.count) examples, \(limits.examples) at most.",
                do: "keep the newest ones.")
        }
        var examples: [Example] = []
        examples.reserveCapacity(array.count)
        for (index, element) in array.enumerated() { examples.append(try example(element, index + 1)) }
        let user = UserExamples(user: name, examples: examples)
        if limits.requiresBothClasses { try user.check(at: location) }
        return user
    }

    private func example(_ value: JSONValue, _ position: Int) throws(Problem) -> Example {
        guard let object = value.object else { throw shape("example \(position) is not a JSON object.") }
        let item = try identifier(object["item"], called: "item of example \(position)")
        let text = try text(object["text"], position)
        guard text != nil || item != nil else {
            throw shape("example \(position) has neither \"text\" nor \"item\".")
        }
        var timestamp: Int64?
        if let given = object["ts"], !given.isNull {
            guard let number = given.integer else { throw shape("\"ts\" of example \(position) is no whole number.") }
            timestamp = Int64(number)
        }
        return Example(
            text: text, item: item, label: try label(object, position), timestamp: timestamp,
            part: try part(object["split"], position))
    }

    private func text(_ value: JSONValue?, _ position: Int) throws(Problem) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string else { throw shape("\"text\" of example \(position) is no string.") }
        let length = text.unicodeScalars.count
        guard length <= limits.textScalars else {
            throw Problem(
                "text_too_long", at: location,
                "the text of example \(position) has \(length) characters, \(limits.textScalars) at most.",
                do: "shorten it; a model reads only its first few hundred words.")
        }
        return text
    }

    /// A label of 0 or 1, or a rating whose positives start at 4.
    private func label(_ object: JSONObject, _ position: Int) throws(Problem) -> Float {
        if limits.ignoresLabels { return 1 }
        if let rating = object["rating"], !rating.isNull {
            guard let number = rating.number else {
                throw shape("\"rating\" of example \(position) is no number.")
            }
            return number >= 4 ? 1 : 0
        }
        guard let label = object["label"], !label.isNull else {
            throw shape("example \(position) has neither \"label\" nor \"rating\".")
        }
        guard let number = label.number ?? label.bool.map({ $0 ? 1 : 0 }), number == 0 || number == 1 else {
            throw Problem(
                "label_out_of_range", at: location, "the label of example \(position) is not 0 or 1.",
                do: "give every example a label of 0 or 1, or a rating (positive from 4 on).")
        }
        return Float(number)
    }

    private func part(_ value: JSONValue?, _ position: Int) throws(Problem) -> Example.Part? {
        guard let value, !value.isNull else { return nil }
        switch value.string {
        case "support", "val": return .support
        case "query": return .query
        default: throw shape("\"split\" of example \(position) is not support, query or val.")
        }
    }

    /// An id given as a string or a whole number.
    private func identifier(_ value: JSONValue?, called name: String) throws(Problem) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string ?? value.integer.map(String.init) else {
            throw shape("the \(name) is neither a string nor a whole number.")
        }
        guard !text.isEmpty, text.utf8.count <= limits.identifierBytes else {
            throw shape("the \(name) has \(text.utf8.count) bytes, 1 to \(limits.identifierBytes) are allowed.")
        }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
            throw shape("the \(name) has a control character.")
        }
        return text
    }

    private func notJSON(_ error: JSONSyntaxError, in bytes: [UInt8]) -> Problem {
        let column = error.byteOffset + 1
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return Problem(
                "not_utf8", at: location, "byte \(column) of the line does not continue UTF-8 text.",
                do: "write the file as UTF-8.")
        }
        return Problem(
            "bad_json", at: location, "column \(column): \(error.reason).", do: "correct this line, one JSON object.")
    }

    private func shape(_ reason: String) -> Problem {
        Problem(
            "bad_user_line", at: location, reason,
            do: "write {\"user\": id, \"examples\": [{\"text\" or \"item\": …, \"label\": 0 or 1}, …]} on one line.")
    }
}
