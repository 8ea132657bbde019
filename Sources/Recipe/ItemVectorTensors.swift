import Meta
import Model
import Problem
import Safetensors
import Tensor

/// How texts' vectors lie in a recipe's file; see the table of ``Recipe``.
extension ItemVectors {
    private enum Name {
        static let digests = "items.digests"
        static let vectors = "items.vectors"
    }

    func write(to writer: inout SafetensorsWriter) {
        writer.add(Name.digests, shape: [digests.count, 16], uint8s: digests.flatMap(\.bytes))
        let words = vectors.values.map { Float16($0).bitPattern }
        writer.add(
            Name.vectors, type: .float16, shape: [vectors.rows, vectors.columns],
            bytes: words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] })
    }

    /// Reads and checks the vectors of a recipe of so many features; nil where it has none.
    init?(reading file: SafetensorsFile, width: Int) throws {
        guard file.contains(Name.vectors) else {
            guard !file.contains(Name.digests) else {
                throw Recipe.malformed(file.name, "it names texts and has no vectors of them.")
            }
            return nil
        }
        let shape = try file.description(of: Name.vectors).shape
        guard shape.count == 2, shape[0] >= 1, (1...Self.largestCount).contains(shape[1]), shape[1] < width else {
            throw Recipe.malformed(
                file.name,
                "texts' vectors have shape \(Problem.excerpt("\(shape)")), up to \(Self.largestCount) of \(width) features "
                    + "can be theirs.")
        }
        let bytes = try file.uint8s(of: Name.digests, shape: [shape[0], 16])
        let digests = stride(from: 0, to: bytes.count, by: 16).compactMap {
            TextDigest(sha256: Array(bytes[$0..<$0 + 16]))
        }
        guard zip(digests, digests.dropFirst()).allSatisfy(<) else {
            throw Recipe.malformed(file.name, "the texts that have vectors do not ascend.")
        }
        let values = try file.floats(of: Name.vectors, shape: shape)
        guard values.allSatisfy({ $0.isFinite }) else {
            throw Recipe.malformed(file.name, "a text's vector has a number that is not finite.")
        }
        self.init(digests: digests, vectors: Matrix(rows: shape[0], columns: shape[1], values: values))
    }
}
