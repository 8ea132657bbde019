import Foundation
import Model
import Problem
import Safetensors
import Testing

@Suite struct BaseFolderTests {
    private func problem(_ base: TinyBase) throws -> Problem {
        let path = base.path
        return try #require(throws: Problem.self) { _ = try TextEncoder(try BaseFolder.open(path)) }
    }

    @Test("the digest is that of the files' list, and changes with any of the three")
    func digest() throws {
        let base = try TinyBase()
        let first = try BaseFolder.open(base.path)
        #expect(first.files.map(\.name) == ["model.safetensors", "config.json", "vocab.txt"])
        #expect(first.digest.count == 64)
        #expect(try BaseFolder.open(base.path).digest == first.digest)
        var seen: Set<String> = [first.digest]
        for name in first.files.map(\.name) {
            var bytes = try base.bytes(name)
            switch name {
            case "config.json": bytes.append(UInt8(ascii: "\n"))
            case "vocab.txt": bytes[bytes.count - 2] = UInt8(ascii: "!")
            default: bytes[bytes.count - 4] ^= 1
            }
            try base.write(bytes, name)
            #expect(seen.insert(try BaseFolder.open(base.path).digest).inserted, "\(name)")
        }
    }

    @Test("a folder that lacks a file says which", arguments: ["model.safetensors", "config.json", "vocab.txt"])
    func missing(name: String) throws {
        let base = try TinyBase()
        try FileManager.default.removeItem(atPath: "\(base.path)/\(name)")
        let problem = try problem(base)
        #expect(problem.errorClass == "base_incomplete")
        #expect(problem.reason.contains(name))
    }

    @Test("weights cut short are told with the tensor, both byte counts and the digest of what is there")
    func truncated() throws {
        let base = try TinyBase()
        let bytes = try base.bytes("model.safetensors")
        try base.write(Array(bytes.dropLast(100)), "model.safetensors")
        let problem = try problem(base)
        #expect(problem.errorClass == "file_truncated")
        #expect(problem.location.hasSuffix("model.safetensors"))
        #expect(problem.reason.contains("the file has \(bytes.count - 100)"))
        #expect(problem.remedy.wholeMatch(of: /fetch it again; SHA-256 starts [0-9a-f]{8}\./) != nil)
    }

    @Test(
        "a configuration of another family, or out of range, is refused with the field",
        arguments: [
            ("model_type", "\"gpt2\"", "model_family"), ("hidden_act", "\"relu\"", "model_family"),
            ("position_embedding_type", "\"relative_key\"", "model_family"), ("is_decoder", "true", "model_family"),
            ("hidden_size", "0", "config_malformed"), ("hidden_size", "8.5", "config_malformed"),
            ("num_attention_heads", "3", "config_malformed"), ("layer_norm_eps", "0", "config_malformed"),
            ("layer_norm_eps", "1e-300", "config_malformed"), ("head_dim", "8", "model_family"),
            ("num_key_value_heads", "1", "model_family"),
            ("max_position_embeddings", "1", "config_malformed"), ("num_hidden_layers", "null", "config_malformed"),
            ("vocab_size", "10", "config_malformed"), ("hidden_size", "16", "tensor_shape"),
            ("vocab_size", "12", "tensor_shape"), ("num_hidden_layers", "3", "tensor_missing"),
        ])
    func badConfiguration(field: String, value: String, errorClass: String) throws {
        let base = try TinyBase()
        try base.write(TinyBase.configuration([field: value]), "config.json")
        let problem = try problem(base)
        #expect(problem.errorClass == errorClass)
        #expect(problem.location.hasPrefix(base.path))
    }

    @Test("a configuration that is no JSON is refused")
    func noJSON() throws {
        let base = try TinyBase()
        try base.write("{", "config.json")
        #expect(try problem(base).errorClass == "config_malformed")
    }

    @Test("tokenizer.json is preferred to vocab.txt, and refused when it is of another family")
    func otherTokenizer() throws {
        let base = try TinyBase()
        try base.write("{\"model\": {\"type\": \"BPE\"}}", "tokenizer.json")
        let problem = try problem(base)
        #expect(problem.errorClass == "tokenizer_family")
        #expect(problem.location.hasSuffix("tokenizer.json"))
    }

    @Test(
        "vocab.txt and tokenizer.json of the default base give the same ids",
        .enabled(if: baseFolder != nil, "set ATTUNE_TEST_BASE to the folder of all-MiniLM-L6-v2"))
    func vocabularyAlone() throws {
        let source = try #require(baseFolder)
        let copy = FileManager.default.temporaryDirectory.appending(path: "vocabulary-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: copy) } }
        for name in ["config.json", "vocab.txt", "model.safetensors"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(copy)/\(name)", withDestinationPath: "\(source)/\(name)")
        }
        let golden = try Golden()
        let encoder = try TextEncoder(try BaseFolder.open(copy))
        for (text, ids) in zip(golden.texts, golden.ids) { #expect(encoder.tokens(text) == ids) }
    }
}
