import Problem
import StrictJSON
import Tensor

/// The fields of a config.json, read by the names that each family gives them.
struct ConfigurationFields {
    struct Shape {
        var width = 0
        var blocks = 0
        var attention: AttentionShape
        var feedForwardWidth = 0
        var vocabularySize = 0
        var positions = 0
        var segments = 0
        var normEpsilon: Float = 0
        var rotaryBase: Double?
        var tiesHead = true
    }

    private let fields: JSONObject
    private let file: String

    init(json bytes: [UInt8], file: String) throws {
        self.file = file
        do { fields = try JSONObject(parsing: bytes) } catch {
            throw Self.malformed(file, "it is no JSON object at \(error)")
        }
    }

    func family() throws -> String {
        guard let family = fields["model_type"]?.string else { throw unknownFamily() }
        return family
    }

    func bert() throws -> Shape {
        try require("hidden_act", is: "gelu")
        try require("position_embedding_type", is: "absolute", orMissing: true)
        try requireNot("is_decoder")
        var shape = Shape(attention: try attention(width: "hidden_size", heads: "num_attention_heads", isCausal: false))
        shape.width = try count("hidden_size", limit: 1 << 16)
        try requirePlain(shape.attention, width: shape.width)
        shape.blocks = try count("num_hidden_layers", limit: 1 << 10)
        shape.feedForwardWidth = try count("intermediate_size", limit: 1 << 18)
        shape.vocabularySize = try count("vocab_size", limit: 1 << 24)
        shape.positions = try count("max_position_embeddings", limit: 1 << 16)
        shape.segments = try count("type_vocab_size", limit: 1 << 10)
        shape.normEpsilon = try epsilon("layer_norm_eps")
        return shape
    }

    func gpt2() throws -> Shape {
        try require("activation_function", is: "gelu_new")
        if fields["scale_attn_weights"]?.bool == false { throw option("scale_attn_weights is false") }
        for name in ["scale_attn_by_inverse_layer_idx", "add_cross_attention"] { try requireNot(name) }
        var shape = Shape(attention: try attention(width: "n_embd", heads: "n_head", isCausal: true))
        shape.width = try count("n_embd", limit: 1 << 16)
        try requirePlain(shape.attention, width: shape.width)
        shape.blocks = try count("n_layer", limit: 1 << 10)
        let isGiven = fields["n_inner"].map { !$0.isNull } ?? false
        shape.feedForwardWidth = isGiven ? try count("n_inner", limit: 1 << 18) : 4 * shape.width
        shape.vocabularySize = try count("vocab_size", limit: 1 << 24)
        shape.positions = try count("n_positions", limit: 1 << 16)
        shape.normEpsilon = try epsilon("layer_norm_epsilon")
        shape.tiesHead = fields["tie_word_embeddings"]?.bool ?? true
        return shape
    }

    func llama() throws -> Shape {
        try require("hidden_act", is: "silu")
        for name in ["attention_bias", "mlp_bias"] { try requireNot(name) }
        var shape = Shape(attention: try attention(width: "hidden_size", heads: "num_attention_heads", isCausal: true))
        shape.width = try count("hidden_size", limit: 1 << 16)
        shape.blocks = try count("num_hidden_layers", limit: 1 << 10)
        shape.feedForwardWidth = try count("intermediate_size", limit: 1 << 18)
        shape.vocabularySize = try count("vocab_size", limit: 1 << 24)
        shape.positions = try count("max_position_embeddings", limit: 1 << 20)
        shape.normEpsilon = try epsilon("rms_norm_eps")
        shape.rotaryBase = try rotaryBase()
        guard shape.attention.headWidth.isMultiple(of: 2) else {
            throw malformed("heads of \(shape.attention.headWidth) channels cannot be turned in pairs")
        }
        shape.tiesHead = fields["tie_word_embeddings"]?.bool ?? false
        return shape
    }

    /// `rope_theta`, beside the other fields or, in newer files, under `rope_parameters`; a scaled one is another mathematics.
    private func rotaryBase() throws -> Double {
        let parameters = fields["rope_parameters"]?.object
        for scaling in [fields["rope_scaling"]?.object, parameters].compactMap({ $0 }) {
            let type = scaling["rope_type"]?.string ?? scaling["type"]?.string ?? "default"
            guard type == "default" else { throw option("its rotary positions are scaled: \(Problem.excerpt(type))") }
        }
        let base = parameters?["rope_theta"]?.number ?? fields["rope_theta"]?.number ?? 10_000
        guard base > 1, base < 1e12 else { throw malformed("rope_theta must be a number above 1") }
        return base
    }

    private func attention(width widthName: String, heads headsName: String, isCausal: Bool) throws -> AttentionShape {
        let width = try count(widthName, limit: 1 << 16)
        let heads = try count(headsName, limit: 1 << 10)
        let keyValueHeads = isNumber("num_key_value_heads") ? try count("num_key_value_heads", limit: heads) : heads
        guard heads % keyValueHeads == 0 else {
            throw malformed("num_key_value_heads \(keyValueHeads) does not divide \(headsName) \(heads)")
        }
        if isNumber("head_dim") {
            return AttentionShape(
                heads: heads, keyValueHeads: keyValueHeads, headWidth: try count("head_dim", limit: 1 << 12),
                isCausal: isCausal)
        }
        guard width % heads == 0 else {
            throw malformed("\(headsName) \(heads) does not divide \(widthName) \(width)")
        }
        return AttentionShape(
            heads: heads, keyValueHeads: keyValueHeads, headWidth: width / heads, isCausal: isCausal)
    }

    private func isNumber(_ name: String) -> Bool { fields[name]?.number != nil }

    private func count(_ name: String, limit: Int) throws -> Int {
        guard let value = fields[name]?.integer, (1...limit).contains(value) else {
            throw malformed("\(name) must be a whole number from 1 to \(limit)")
        }
        return value
    }

    private func epsilon(_ name: String) throws -> Float {
        guard let epsilon = fields[name]?.number.map({ Float($0) }), epsilon > 0, epsilon < 1 else {
            throw malformed("\(name) must be a number between 0 and 1")
        }
        return epsilon
    }

    /// These two fields are Llama's: a family whose tensors are three equal thirds has no other heads.
    private func requirePlain(_ attention: AttentionShape, width: Int) throws {
        guard attention.keyValueHeads == attention.heads, attention.width == width else {
            throw option("num_key_value_heads or head_dim is not what follows from the heads")
        }
    }

    private func require(_ name: String, is value: String, orMissing: Bool = false) throws {
        let found = fields[name]?.string ?? (orMissing ? value : nil)
        guard found == value else {
            throw option("\(name) is \(Problem.excerpt(found ?? "missing")), the family here has \(value)")
        }
    }

    private func requireNot(_ name: String) throws {
        if fields[name]?.bool == true { throw option("\(name) is true") }
    }

    private func option(_ reason: String) -> Problem {
        Problem(
            "model_family", at: file, reason + ".",
            do: "use a BERT encoder, for example all-MiniLM-L6-v2, or a GPT-2 or Llama decoder without that option.")
    }

    func unknownFamily() -> Problem {
        let families = TransformerConfiguration.Family.allCases.map(\.rawValue).joined(separator: ", ")
        return option(
            "model_type is \(Problem.excerpt(fields["model_type"]?.string ?? "missing")), not one of \(families)")
    }

    func malformed(_ reason: String) -> Problem { Self.malformed(file, reason) }

    private static func malformed(_ file: String, _ reason: String) -> Problem {
        Problem("config_malformed", at: file, reason + ".", do: "fetch it again from where the model came from.")
    }
}
