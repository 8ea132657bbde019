import Foundation
import Safetensors
import Tensor

/// A base folder of a few kilobytes with seeded weights, so that the model's code is tested without a download.
final class TinyBase {
    static let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sea", "war", "love", "##ly", "a", "."]
    static let (width, inner, heads, blocks, positions) = (8, 20, 2, 2, 16)

    let path: String
    /// The weights by name, as the file has them.
    let weights: [String: Matrix]

    init(prefix: String = "") throws {
        path = FileManager.default.temporaryDirectory.appending(path: "tiny-base-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        weights = Self.randomWeights()
        var writer = SafetensorsWriter()
        for (name, matrix) in weights {
            let shape =
                matrix.rows == 1 && !name.contains("token_type") ? [matrix.columns] : [matrix.rows, matrix.columns]
            writer.add(prefix + name, shape: shape, floats: matrix.values)
        }
        try write(writer.encoded(), "model.safetensors")
        try write(Self.words.joined(separator: "\n") + "\n", "vocab.txt")
        try write(Self.configuration(), "config.json")
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("could not remove \(path): \(error)")
        }
    }

    func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: URL(filePath: "\(path)/\(name)")) }

    func write(_ text: String, _ name: String) throws { try write(Array(text.utf8), name) }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

    static func configuration(_ changes: [String: String] = [:]) -> String {
        var fields = [
            "model_type": "\"bert\"", "hidden_act": "\"gelu\"", "hidden_size": "\(width)",
            "intermediate_size": "\(inner)", "num_attention_heads": "\(heads)", "num_hidden_layers": "\(blocks)",
            "max_position_embeddings": "\(positions)", "vocab_size": "\(words.count)", "type_vocab_size": "1",
            "layer_norm_eps": "1e-12",
        ]
        fields.merge(changes) { $1 }
        return "{\(fields.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", "))}"
    }

    private static func randomWeights() -> [String: Matrix] {
        var random = RandomSource(seed: 20)
        func matrix(_ rows: Int, _ columns: Int) -> Matrix {
            Matrix(rows: rows, columns: columns, values: (0..<rows * columns).map { _ in Float(random.normal()) })
        }
        var weights = [
            "embeddings.word_embeddings.weight": matrix(words.count, width),
            "embeddings.position_embeddings.weight": matrix(positions, width),
            "embeddings.token_type_embeddings.weight": matrix(1, width),
            "embeddings.LayerNorm.weight": matrix(1, width), "embeddings.LayerNorm.bias": matrix(1, width),
        ]
        for block in 0..<blocks {
            for (name, outputs, inputs) in [
                ("attention.self.query", width, width), ("attention.self.key", width, width),
                ("attention.self.value", width, width), ("attention.output.dense", width, width),
                ("intermediate.dense", inner, width), ("output.dense", width, inner),
                ("attention.output.LayerNorm", 1, width), ("output.LayerNorm", 1, width),
            ] {
                weights["encoder.layer.\(block).\(name).weight"] = matrix(outputs, inputs)
                weights["encoder.layer.\(block).\(name).bias"] = matrix(1, outputs == 1 ? width : outputs)
            }
        }
        return weights
    }
}
