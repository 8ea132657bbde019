import Foundation
import Safetensors
import Tensor

/// A base model of a few kilobytes that knows the words of a catalogue: workers that are killed again and again start in
/// no time, and two of them differ in their seed.
enum SmallBase {
    private static let (width, inner, heads, positions) = (16, 32, 2, 64)
    private static let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    /// Writes a folder in Hugging Face form.
    static func write(to path: String, words texts: [String], seed: UInt64) throws {
        let words = Set(texts.flatMap { $0.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init) })
        let vocabulary = special + [",", ".", "'", "-"] + words.sorted()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let configuration = """
            {"model_type": "bert", "hidden_act": "gelu", "hidden_size": \(width), "intermediate_size": \(inner),
            "num_attention_heads": \(heads), "num_hidden_layers": 1, "max_position_embeddings": \(positions),
            "vocab_size": \(vocabulary.count), "type_vocab_size": 1, "layer_norm_eps": 1e-12}
            """
        try Data(configuration.utf8).write(to: URL(filePath: "\(path)/config.json"))
        try Data((vocabulary.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: "\(path)/vocab.txt"))
        try Data(weights(vocabulary.count, seed)).write(to: URL(filePath: "\(path)/model.safetensors"))
    }

    /// Words far apart, everything after them close to the identity: a text is about the mean of its words.
    private static func weights(_ words: Int, _ seed: UInt64) -> [UInt8] {
        var random = RandomSource(seed: seed)
        var writer = SafetensorsWriter()
        func add(_ name: String, _ shape: [Int], _ scale: Double) {
            writer.add(
                name, shape: shape,
                floats: (0..<shape.reduce(1, *)).map { _ in Float(scale * random.normal()) })
        }
        func addNorm(_ name: String) {
            writer.add("\(name).weight", shape: [width], floats: [Float](repeating: 1, count: width))
            writer.add("\(name).bias", shape: [width], floats: [Float](repeating: 0, count: width))
        }
        add("embeddings.word_embeddings.weight", [words, width], 1)
        add("embeddings.position_embeddings.weight", [positions, width], 0.02)
        add("embeddings.token_type_embeddings.weight", [1, width], 0.02)
        addNorm("embeddings.LayerNorm")
        for (name, outputs, inputs) in [
            ("attention.self.query", width, width), ("attention.self.key", width, width),
            ("attention.self.value", width, width), ("attention.output.dense", width, width),
            ("intermediate.dense", inner, width), ("output.dense", width, inner),
        ] {
            add("encoder.layer.0.\(name).weight", [outputs, inputs], 0.1)
            add("encoder.layer.0.\(name).bias", [outputs], 0.02)
        }
        addNorm("encoder.layer.0.attention.output.LayerNorm")
        addNorm("encoder.layer.0.output.LayerNorm")
        return writer.encoded()
    }
}
