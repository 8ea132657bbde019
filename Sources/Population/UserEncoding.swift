public import Problem
import StrictJSON

extension UserExamples {
    /// Reads what ``jsonLine`` wrote, for example from an object that holds one large user.
    public init(jsonLine bytes: [UInt8], at location: String) throws(Problem) {
        self = try UserLine(location: location, limits: PopulationReader.Limits()).user(from: bytes)
    }

    /// The user as one line that ``PopulationReader`` reads back, line feed included.
    public var jsonLine: String {
        let list = examples.map { example in
            var members: [String] = []
            if let item = example.item { members.append("\"item\":\(JSONText.quoted(item))") }
            if let text = example.text { members.append("\"text\":\(JSONText.quoted(text))") }
            members.append("\"label\":\(Int(example.label))")
            if let timestamp = example.timestamp { members.append("\"ts\":\(timestamp)") }
            if let part = example.part { members.append("\"split\":\"\(part.rawValue)\"") }
            return "{\(members.joined(separator: ","))}"
        }
        return "{\"user\":\(JSONText.quoted(user)),\"examples\":[\(list.joined(separator: ","))]}\n"
    }
}

extension CatalogueItem {
    /// The item as one line of JSON, `{"item": id, "text": …}`, line feed included.
    public var jsonLine: String {
        "{\"item\":\(JSONText.quoted(id)),\"text\":\(JSONText.quoted(text))}\n"
    }
}
