import Problem
import StrictJSON

/// The tensors of a model that lie in one safetensors file or in several, which an index names.
///
/// An index is `model.safetensors.index.json`: `{"weight_map": {TENSOR: FILE, …}}`, each file a name beside it.
public struct SafetensorsShards: Sendable {
    /// The files, in the order of their names.
    public let files: [SafetensorsFile]
    private let fileByTensor: [[UInt8]: Int]
    private let name: String

    /// The tensors of a single file.
    public init(_ file: SafetensorsFile) {
        files = [file]
        name = file.name
        fileByTensor = Dictionary(uniqueKeysWithValues: file.tensors.map { (Array($0.name.utf8), 0) })
    }

    /// Reads an index and opens the files that it names.
    ///
    /// - Parameters:
    ///   - json: the index.
    ///   - name: what errors call it.
    ///   - open: opens a file beside the index, by its name.
    /// - Throws: ``Problem`` `index_malformed`, or `tensor_missing` when a file has not what the index says; what `open` throws.
    public init(index json: [UInt8], name: String, open: (String) throws -> SafetensorsFile) throws {
        let entries = try Self.entries(json, name)
        let names = Set(entries.map(\.file)).sorted()
        let files = try names.map(open)
        let order = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var fileByTensor: [[UInt8]: Int] = [:]
        for entry in entries {
            guard let place = order[entry.file] else { continue }
            _ = try files[place].description(of: entry.tensor)
            fileByTensor[Array(entry.tensor.utf8)] = place
        }
        (self.files, self.name, self.fileByTensor) = (files, name, fileByTensor)
    }

    /// The names of the files that an index names, ascending.
    public static func fileNames(index json: [UInt8], name: String) throws -> [String] {
        Set(try entries(json, name).map(\.file)).sorted()
    }

    private static func entries(_ json: [UInt8], _ name: String) throws -> [(tensor: String, file: String)] {
        func malformed(_ reason: String) -> Problem {
            Problem("index_malformed", at: name, reason + ".", do: "fetch it again from where the model came from.")
        }
        let root: JSONValue
        do { root = try JSONValue(parsing: json) } catch { throw malformed("it is no JSON at \(error)") }
        guard let members = root.object?["weight_map"]?.object?.members, !members.isEmpty else {
            throw malformed("it has no weight_map")
        }
        return try members.map { member in
            guard let file = member.value.string, isPlainName(file) else {
                throw malformed("\(Problem.excerpt(member.name)) is not in a file beside the index")
            }
            return (member.name, file)
        }
    }

    /// An index must not lead out of its folder.
    private static func isPlainName(_ file: String) -> Bool {
        file.hasSuffix(".safetensors") && !file.hasPrefix(".")
            && !file.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 == 0 }
    }

    /// Whether there is a tensor of this name.
    public func contains(_ tensor: String) -> Bool { fileByTensor[Array(tensor.utf8)] != nil }

    /// A tensor as `Float`; as ``SafetensorsFile/floats(of:shape:)``.
    public func floats(of tensor: String, shape: [Int]? = nil) throws -> [Float] {
        guard let place = fileByTensor[Array(tensor.utf8)] else {
            throw Problem(
                "tensor_missing", at: name, "no file has a tensor \(tensor).",
                do: "check that this is the model meant, and that its family is supported.")
        }
        return try files[place].floats(of: tensor, shape: shape)
    }
}
