public import Model
import Safetensors
import StrictJSON

/// A user's head as a model of sentence-transformers: transformer, mean pooling, unit norm, and the head as a `Dense` module.
///
/// `encode` then gives what the user is served with. The files here lie beside those of the base, `config.json`,
/// `model.safetensors` and the tokenizer, which are not repeated for each user: links to them do.
public struct SentenceTransformersFolder: Sendable, Equatable {
    /// What comes after the head.
    public enum Activation: String, Sendable {
        /// Nothing: scores are logits.
        case identity = "torch.nn.modules.linear.Identity"
        /// The logistic function: scores are probabilities.
        case sigmoid = "torch.nn.modules.activation.Sigmoid"
    }

    /// A file, by its path in the folder.
    public struct File: Sendable, Equatable {
        /// Where.
        public let path: String
        /// What.
        public let bytes: [UInt8]
    }

    /// The files, those of the `Dense` module in ``dense``.
    public let files: [File]

    /// The folder of the `Dense` module: the fourth of the modules.
    public static let dense = "3_Dense"

    /// Makes the files.
    ///
    /// - Parameters:
    ///   - shape: of the base, an encoder.
    ///   - weights: of the head, `[outputs, width]`.
    ///   - bias: `[outputs]`.
    ///   - lora: adapters inside the encoder, exported for that base; a model that is loaded from the folder has them.
    ///   - provenance: for the metadata.
    public init(
        _ shape: TransformerConfiguration, weights: [Float], bias: [Float], _ activation: Activation,
        lora: PEFTFolder? = nil, provenance: PEFTProvenance
    ) {
        precondition(shape.family == .bert, "a decoder has no pooled output")
        precondition(weights.count == bias.count * shape.width, "\(weights.count) weights of \(bias.count) outputs")
        var writer = SafetensorsWriter(metadata: provenance.metadata)
        writer.add("linear.weight", shape: [bias.count, shape.width], floats: weights)
        writer.add("linear.bias", shape: [bias.count], floats: bias)
        files =
            [
                Self.json("modules.json", Self.modules),
                Self.json(
                    "sentence_bert_config.json", "{\"max_seq_length\": \(shape.positions), \"do_lower_case\": false}"),
                Self.json(
                    "1_Pooling/config.json",
                    "{\"word_embedding_dimension\": \(shape.width), \"pooling_mode_mean_tokens\": true}"),
                Self.json(
                    "\(Self.dense)/config.json",
                    "{\"in_features\": \(shape.width), \"out_features\": \(bias.count), \"bias\": true, "
                        + "\"activation_function\": \(JSONText.quoted(activation.rawValue))}"),
                File(path: "\(Self.dense)/model.safetensors", bytes: writer.encoded()),
            ]
            + (lora.map {
                [
                    File(path: PEFTFolder.configurationName, bytes: $0.configuration),
                    File(path: PEFTFolder.weightsName, bytes: $0.weights),
                ]
            } ?? [])
    }

    /// By the names that every version of the library knows.
    private static var modules: String {
        let modules = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"), ("Dense", dense)]
        let lines = modules.enumerated().map { index, module in
            "  {\"idx\": \(index), \"name\": \"\(index)\", \"path\": \"\(module.1)\", "
                + "\"type\": \"sentence_transformers.models.\(module.0)\"}"
        }
        return "[\n\(lines.joined(separator: ",\n"))\n]"
    }

    private static func json(_ path: String, _ text: String) -> File {
        File(path: path, bytes: Array("\(text)\n".utf8))
    }
}
