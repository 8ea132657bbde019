public import Meta
import Model
public import Population
import Problem
public import Tensor

extension MetaPopulation {
    /// Users of a file as meta-training and evaluation take them: each distinct text is encoded once.
    ///
    /// - Parameters:
    ///   - users: examples with texts; an example that names an item only has none to encode.
    ///   - location: the file, for errors.
    ///   - encode: distinct texts to pooled features, `[texts, width]`, unit norm.
    /// - Throws: `text_missing`, or what `encode` throws.
    public init(_ users: [UserExamples], at location: String, encode: ([String]) throws -> Matrix) throws {
        // Keyed by bytes: strings that are canonically equivalent are different texts to a tokenizer.
        var rowByText: [[UInt8]: Int32] = [:]
        var texts: [String] = []
        var made: [MetaUser] = []
        made.reserveCapacity(users.count)
        for user in users {
            let rows = try user.examples.enumerated().map { index, example -> Int32 in
                guard let text = example.text else {
                    throw Problem(
                        "text_missing", at: location,
                        "example \(index + 1) of \(Problem.excerpt(user.user)) names an item and has no text.",
                        do: "give every example its text here.")
                }
                let key = Array(text.utf8)
                if let row = rowByText[key] { return row }
                let row = Int32(texts.count)
                rowByText[key] = row
                texts.append(text)
                return row
            }
            made.append(
                MetaUser(
                    id: user.user, rows: rows, labels: user.examples.map(\.label), supportCount: user.supportCount))
        }
        self.init(features: try encode(texts), users: made, textDigests: texts.map { TextDigest(of: $0) })
    }
}
