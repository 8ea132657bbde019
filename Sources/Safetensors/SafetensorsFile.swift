package import FoundationEssentials
import Problem

/// A safetensors file whose header has been checked; tensors are read on demand.
///
/// Every error is a ``Problem`` that names the file and, where there is one, the tensor: `file_truncated`,
/// `safetensors_malformed`, `tensor_missing`, `tensor_type`, `tensor_shape`.
public struct SafetensorsFile: Sendable {
    /// The name errors carry: a path or an object key.
    public let name: String
    /// The `__metadata__` of the header.
    public let metadata: [String: String]
    /// All tensors, in the order of their bytes.
    public let tensors: [TensorDescription]

    private let content: Data
    private let dataStart: Int
    private let indexByName: [[UInt8]: Int]

    /// Checks bytes in memory.
    public init(_ bytes: [UInt8], name: String) throws { try self.init(content: Data(bytes), name: name) }

    /// Maps a file; only the pages of tensors that are read come into memory.
    ///
    /// The file must not be shortened while this value lives: the pages that are gone would end the process.
    public init(path: String) throws {
        try self.init(content: try Self.map(path), name: path)
    }

    /// Checks bytes that someone else mapped or read.
    package init(content: Data, name: String) throws {
        let length = try SafetensorsHeader.length(
            firstBytes: Array(content.prefix(8)), fileByteCount: content.count, file: name)
        let header = try SafetensorsHeader(
            json: Array(content.dropFirst(8).prefix(length)), fileByteCount: content.count, file: name)
        self.name = name
        self.content = content
        dataStart = header.byteCount
        metadata = header.metadata
        tensors = header.tensors
        indexByName = Dictionary(
            uniqueKeysWithValues: header.tensors.enumerated().map { (Array($0.element.name.utf8), $0.offset) })
    }

    /// Maps a whole file.
    package static func map(_ path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
        } catch {
            throw Problem(
                "file_unreadable", at: path, "it cannot be read: \(reason(of: error)).",
                do: "check that it exists and that this user may read it.")
        }
    }

    private static func reason(of error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile?, .fileNoSuchFile?: "no such file"
        case .fileReadNoPermission?: "permission denied"
        default: String(describing: error)
        }
    }

    /// Whether a tensor of this name is in the file.
    public func contains(_ tensor: String) -> Bool { indexByName[Array(tensor.utf8)] != nil }

    /// What the header says of a tensor, or a ``Problem`` `tensor_missing`.
    public func description(of tensor: String) throws -> TensorDescription {
        guard let index = indexByName[Array(tensor.utf8)] else {
            throw Problem(
                "tensor_missing", at: name,
                "it has no tensor \(Problem.excerpt(tensor, limit: 200)) among its \(tensors.count).",
                do: "check that this is the file meant, and that its model family is supported.")
        }
        return tensors[index]
    }

    /// A copy of a tensor's bytes, little-endian and row-major.
    public func bytes(of tensor: String) throws -> [UInt8] {
        let range = try description(of: tensor).byteRange
        return Array(content[(dataStart + range.lowerBound)..<(dataStart + range.upperBound)])
    }

    /// Refuses a tensor whose shape is not the expected one, with both shapes.
    package func check(_ tensor: TensorDescription, hasShape shape: [Int]?) throws {
        guard let shape, shape != tensor.shape else { return }
        throw Problem(
            "tensor_shape", at: name,
            "\(tensor.name) has shape \(Problem.excerpt("\(tensor.shape)")), expected \(shape).",
            do: "check that the configuration and the weights belong to the same model.")
    }

    /// The error for an element type that cannot be read as what was asked for.
    func typeProblem(_ tensor: TensorDescription, asked: String) -> Problem {
        Problem(
            "tensor_type", at: name, "\(tensor.name) is \(tensor.elementType.rawValue), which is not read as \(asked).",
            do: "store it as one of the types the documentation of this file's kind names.")
    }

    /// Lends a tensor's bytes without a copy.
    func withBytes<Result>(of tensor: TensorDescription, _ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        let range = (dataStart + tensor.byteRange.lowerBound)..<(dataStart + tensor.byteRange.upperBound)
        return try body(content.span.extracting(range))
    }
}
