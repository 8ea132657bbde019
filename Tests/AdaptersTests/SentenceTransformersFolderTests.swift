import Adapters
import Foundation
import Model
import Safetensors
import StrictJSON
import Testing

@Suite struct SentenceTransformersFolderTests {
    private static func make(_ activation: SentenceTransformersFolder.Activation, lora: PEFTFolder? = nil) throws
        -> [String: [UInt8]]
    {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let folder = SentenceTransformersFolder(
            shape, weights: (0..<shape.width).map { Float($0) / 8 }, bias: [-0.5], activation, lora: lora,
            provenance: PEFTProvenance(base: PEFTFixtures.digest, user: "demo/u-7"))
        return Dictionary(uniqueKeysWithValues: folder.files.map { ($0.path, $0.bytes) })
    }

    @Test("a head becomes a Dense module after the transformer, mean pooling and unit norm")
    func modules() throws {
        let files = try Self.make(.sigmoid)
        #expect(
            files.keys.sorted() == [
                "1_Pooling/config.json", "3_Dense/config.json", "3_Dense/model.safetensors", "modules.json",
                "sentence_bert_config.json",
            ])
        let modules = try #require(try JSONValue(parsing: files["modules.json"] ?? []).array).compactMap(\.object)
        #expect(
            modules.map { $0["type"]?.string }
                == ["Transformer", "Pooling", "Normalize", "Dense"].map {
                    "sentence_transformers.models.\($0)"
                })
        #expect(modules.map { $0["path"]?.string } == ["", "1_Pooling", "2_Normalize", "3_Dense"])
        let dense = try #require(try JSONValue(parsing: files["3_Dense/config.json"] ?? []).object)
        #expect(dense["in_features"]?.integer == 24 && dense["out_features"]?.integer == 1)
        #expect(dense["bias"]?.bool == true)
        #expect(dense["activation_function"]?.string == "torch.nn.modules.activation.Sigmoid")
        let pooling = try #require(try JSONValue(parsing: files["1_Pooling/config.json"] ?? []).object)
        #expect(pooling["word_embedding_dimension"]?.integer == 24)
        let limits = try #require(try JSONValue(parsing: files["sentence_bert_config.json"] ?? []).object)
        #expect(limits["max_seq_length"]?.integer == 48)
        let weights = try SafetensorsFile(files["3_Dense/model.safetensors"] ?? [], name: "dense")
        #expect(try weights.floats(of: "linear.weight", shape: [1, 24]) == (0..<24).map { Float($0) / 8 })
        #expect(try weights.floats(of: "linear.bias", shape: [1]) == [-0.5])
        #expect(
            weights.metadata == ["format": "pt", "attune.base": PEFTFixtures.digest, "attune.user": "demo/u-7"])
    }

    @Test("adapters inside the encoder lie beside the modules, where the transformer is loaded from")
    func adapters() throws {
        let lora = try PEFTFixtures.folder("tiny-bert")
        let files = try Self.make(.identity, lora: lora)
        #expect(files["adapter_config.json"] == lora.configuration)
        #expect(files["adapter_model.safetensors"] == lora.weights)
        let dense = try #require(try JSONValue(parsing: files["3_Dense/config.json"] ?? []).object)
        #expect(dense["activation_function"]?.string == "torch.nn.modules.linear.Identity")
    }
}
