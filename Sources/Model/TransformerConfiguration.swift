import Problem
import StrictJSON

/// The shape of a frozen transformer, as config.json states it.
public struct TransformerConfiguration: Sendable, Equatable {
    /// Channels of a token, `hidden_size`.
    public let width: Int
    /// Blocks, `num_hidden_layers`.
    public let blocks: Int
    /// Attention heads per block, a divisor of `width`.
    public let heads: Int
    /// Channels inside the feed-forward layer, `intermediate_size`.
    public let feedForwardWidth: Int
    /// Rows of the token embedding, `vocab_size`.
    public let vocabularySize: Int
    /// Rows of the position embedding: the most tokens a text may have.
    public let positions: Int
    /// Rows of the segment embedding, `type_vocab_size`; row 0 is used.
    public let segments: Int
    /// What layer normalisation adds to the variance.
    public let layerNormEpsilon: Float

    /// Reads config.json of a BERT encoder.
    ///
    /// Throws a ``Problem`` `model_family` for another family or an option that changes the mathematics, and
    /// `config_malformed` for a field that is missing or out of range.
    public init(json bytes: [UInt8], file: String) throws {
        let fields: JSONObject
        do {
            guard let object = try JSONValue(parsing: bytes).object else {
                throw Self.malformed(file, "it is not an object")
            }
            fields = object
        } catch let error as JSONSyntaxError {
            throw Self.malformed(file, "it is no JSON at \(error)")
        }
        try Self.requireFamily(fields, file: file)
        func count(_ name: String, limit: Int) throws -> Int {
            guard let value = fields[name]?.integer, (1...limit).contains(value) else {
                throw Self.malformed(file, "\(name) must be a whole number from 1 to \(limit)")
            }
            return value
        }
        width = try count("hidden_size", limit: 1 << 16)
        blocks = try count("num_hidden_layers", limit: 1 << 10)
        heads = try count("num_attention_heads", limit: 1 << 10)
        feedForwardWidth = try count("intermediate_size", limit: 1 << 18)
        vocabularySize = try count("vocab_size", limit: 1 << 24)
        positions = try count("max_position_embeddings", limit: 1 << 16)
        segments = try count("type_vocab_size", limit: 1 << 10)
        guard let epsilon = fields["layer_norm_eps"]?.number, epsilon > 0, epsilon < 1 else {
            throw Self.malformed(file, "layer_norm_eps must be a number between 0 and 1")
        }
        layerNormEpsilon = Float(epsilon)
        guard width % heads == 0 else {
            throw Self.malformed(file, "num_attention_heads \(heads) does not divide hidden_size \(width)")
        }
        guard positions >= 2 else { throw Self.malformed(file, "max_position_embeddings must be at least 2") }
    }

    private static func requireFamily(_ fields: JSONObject, file: String) throws {
        let wanted = [
            ("model_type", "bert", nil), ("hidden_act", "gelu", nil),
            ("position_embedding_type", "absolute", "absolute"),
        ]
        for (name, value, fallback) in wanted {
            let found = fields[name]?.string ?? fallback
            guard found == value else {
                throw Problem(
                    "model_family", at: file,
                    "\(name) is \(Problem.excerpt(found ?? "missing")), the supported family has \(value).",
                    do: "use a BERT encoder, for example all-MiniLM-L6-v2.")
            }
        }
        if fields["is_decoder"]?.bool == true {
            throw Problem(
                "model_family", at: file, "is_decoder is true, the supported family attends both ways.",
                do: "use a BERT encoder, for example all-MiniLM-L6-v2.")
        }
    }

    private static func malformed(_ file: String, _ reason: String) -> Problem {
        Problem("config_malformed", at: file, reason + ".", do: "fetch it again from where the model came from.")
    }
}
