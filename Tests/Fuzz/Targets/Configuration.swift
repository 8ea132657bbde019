import Foundation
import Model
import Safetensors
import Tensor
import Tokenizer

extension FuzzTarget {
    /// config.json. A model as small as the corpus's is then made and run: what the configuration promises of its tensors
    /// must be all that the forward pass needs.
    static let configuration = FuzzTarget("configuration") { bytes in
        let shape = try TransformerConfiguration(json: bytes, file: "fuzzed")
        promise(shape.width > 0 && shape.blocks > 0 && shape.attention.columns > 0 && shape.positions >= 2)
        promise(shape.normEpsilon > 0 && shape.normEpsilon.isFinite)
        let isSmall =
            max(shape.width, shape.feedForwardWidth, shape.attention.columns, shape.positions) <= 64
            && shape.blocks <= 2 && max(shape.vocabularySize, shape.segments) <= 300
        guard isSmall else { return }
        let folder = FileManager.default.temporaryDirectory.appending(path: "fuzz-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(bytes, "\(folder)/config.json")
        try write(tensors(of: shape), "\(folder)/model.safetensors")
        switch shape.family {
        case .bert:
            try write(Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nsea\n##s\n".utf8), "\(folder)/vocab.txt")
            let encoder = try TextEncoder(BaseFolder.open(folder))
            try promise(encoder.pooled(["seas sea", "", "war"]).columns == shape.width)
        case .gpt2, .llama:
            try write(byteTokenizer, "\(folder)/tokenizer.json")
            let model = try LanguageModel(BaseFolder.open(folder))
            let tokens = Array(model.tokenizer.encode("A sea.").prefix(model.maximumTokens))
            try promise(model.losses(of: tokens).count == tokens.count - 1)
        }
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
    }

    /// GPT-2's, without a merge.
    private static let byteTokenizer = withAlphabet(
        Array(#"{"model":{"type":"BPE","vocab":{"@":0},"merges":[]},"pre_tokenizer":{"type":"ByteLevel"}}"#.utf8))

    /// What a file of this shape holds, under the names of its family.
    private static func tensors(of shape: TransformerConfiguration) -> [UInt8] {
        var writer = SafetensorsWriter()
        var random = RandomSource(seed: 7)
        func add(_ name: String, _ dimensions: Int...) {
            let count = dimensions.reduce(1, *)
            writer.add(name, shape: dimensions, floats: (0..<count).map { _ in Float(random.normal()) })
        }
        func affine(_ name: String, _ rows: Int, _ columns: Int) {
            add("\(name).weight", rows, columns)
            add("\(name).bias", shape.family == .gpt2 ? columns : rows)
        }
        func norm(_ name: String) {
            add("\(name).weight", shape.width)
            if shape.family != .llama { add("\(name).bias", shape.width) }
        }
        let (width, inner) = (shape.width, shape.feedForwardWidth)
        let (queries, keys) = (shape.attention.width, shape.attention.keyValueWidth)
        switch shape.family {
        case .bert:
            for (name, rows) in [
                ("word", shape.vocabularySize), ("position", shape.positions), ("token_type", shape.segments),
            ] { add("embeddings.\(name)_embeddings.weight", rows, width) }
            norm("embeddings.LayerNorm")
            for block in (0..<shape.blocks).map({ "encoder.layer.\($0)" }) {
                for name in ["self.query", "self.key", "self.value", "output.dense"] {
                    affine("\(block).attention.\(name)", width, width)
                }
                affine("\(block).intermediate.dense", inner, width)
                affine("\(block).output.dense", width, inner)
                for name in ["attention.output", "output"] { norm("\(block).\(name).LayerNorm") }
            }
        case .gpt2:
            add("wte.weight", shape.vocabularySize, width)
            add("wpe.weight", shape.positions, width)
            norm("ln_f")
            for block in (0..<shape.blocks).map({ "h.\($0)" }) {
                affine("\(block).attn.c_attn", width, 3 * width)
                affine("\(block).attn.c_proj", width, width)
                affine("\(block).mlp.c_fc", width, inner)
                affine("\(block).mlp.c_proj", inner, width)
                for name in ["ln_1", "ln_2"] { norm("\(block).\(name)") }
            }
        case .llama:
            add("embed_tokens.weight", shape.vocabularySize, width)
            norm("norm")
            for block in (0..<shape.blocks).map({ "layers.\($0)" }) {
                add("\(block).self_attn.q_proj.weight", queries, width)
                for name in ["k", "v"] { add("\(block).self_attn.\(name)_proj.weight", keys, width) }
                add("\(block).self_attn.o_proj.weight", width, queries)
                for name in ["gate", "up"] { add("\(block).mlp.\(name)_proj.weight", inner, width) }
                add("\(block).mlp.down_proj.weight", width, inner)
                for name in ["input_layernorm", "post_attention_layernorm"] { norm("\(block).\(name)") }
            }
        }
        if shape.family != .bert, !shape.tiesHead { add("lm_head.weight", shape.vocabularySize, width) }
        return writer.encoded()
    }
}
