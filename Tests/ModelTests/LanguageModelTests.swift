import Foundation
import Model
import Problem
import Tensor
import Testing
import Tokenizer

/// Decoders against transformers on PyTorch.
@Suite struct LanguageModelTests {
    private struct Prompt: Decodable {
        var tokens: [Int32]
        var logits: [Float]
        var hidden: [[Float]]
        var losses: [Float]
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    /// The largest difference, relative to the largest value.
    private func error(_ values: some Sequence<Float>, _ exact: [Float]) -> Float {
        let largest = exact.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
        return zip(values, exact).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
    }

    @Test(
        "scores, channels and losses of a random GPT-2 in f16 and of a random Llama in shards of bf16 are the reference's",
        arguments: ["tiny-gpt2", "tiny-llama"])
    func tiny(name: String) throws {
        let file = Self.folder.appending(path: "decoders.json")
        let golden = try JSONDecoder().decode([String: [Prompt]].self, from: Data(contentsOf: file))
        let base = try BaseFolder.open(Self.folder.appending(path: name).path)
        #expect((base.files.count > 3) == (name == "tiny-llama"), "the Llama is sharded")
        let model = try LanguageModel(base)
        let prompts = try #require(golden[name])
        #expect(prompts.count == 4)
        for prompt in prompts {
            var hidden: [Int: [Float]] = [:]
            let logits = try model.logits(after: prompt.tokens) { hidden[$0] = $1 }
            #expect(logits.count == prompt.logits.count && error(logits, prompt.logits) < 1e-4)
            // The reference gives the last block's rows after the norm only.
            for (index, exact) in prompt.hidden.enumerated() {
                let place = index == prompt.hidden.count - 1 ? index + 1 : index
                #expect(error(try #require(hidden[place]), exact) < 1e-4, "after \(place)")
            }
            let losses = try model.losses(of: prompt.tokens)
            #expect(losses.count == prompt.losses.count && error(losses, prompt.losses) < 1e-4)
        }
    }

    @Test(
        "heads that GPT-2's tensors cannot have are refused before they are computed with",
        arguments: ["\"head_dim\": 16", "\"num_key_value_heads\": 1"])
    func heads(field: String) throws {
        let file = Self.folder.appending(path: "tiny-gpt2/config.json")
        let text = try String(contentsOf: file, encoding: .utf8).replacing("\"n_head\"", with: "\(field), \"n_head\"")
        let problem = try #require(throws: Problem.self) {
            try TransformerConfiguration(json: Array(text.utf8), file: "config.json")
        }
        #expect(problem.errorClass == "model_family")
    }

    private struct Shared: Decodable {
        struct Model: Decodable {
            struct Prompt: Decodable {
                var text: String
                var tokenIDs: [Int32]
                var lastLogits: [Float]
                var argmax: Int
                var logsumexp: Double

                enum CodingKeys: String, CodingKey {
                    case text, argmax, logsumexp
                    case tokenIDs = "token_ids"
                    case lastLogits = "last_logits"
                }
            }

            var prompts: [Prompt]
            var passageNLL: Double

            enum CodingKeys: String, CodingKey {
                case prompts
                case passageNLL = "passage_nll"
            }
        }

        var passageText: String
        var passageIDs: [Int32]
        var models: [String: Model]

        enum CodingKeys: String, CodingKey {
            case models
            case passageText = "passage_text"
            case passageIDs = "passage_ids"
        }
    }

    private static let models = ProcessInfo.processInfo.environment["ATTUNE_TEST_MODELS"]

    @Test(
        "both revisions of novels-gpt2 give the values that PyTorch gave",
        .enabled(if: models != nil, "set ATTUNE_TEST_MODELS to the folder with golden.json and the novels-gpt2 folders")
    )
    func novels() throws {
        let folder = URL(filePath: try #require(Self.models))
        let golden = try JSONDecoder().decode(
            Shared.self, from: Data(contentsOf: folder.appending(path: "golden.json")))
        #expect(golden.models.count == 2)
        for (name, exact) in golden.models {
            let model = try LanguageModel(BaseFolder.open(folder.appending(path: name).path))
            for prompt in exact.prompts {
                #expect(model.tokenizer.encode(prompt.text) == prompt.tokenIDs)
                let logits = try model.logits(after: prompt.tokenIDs)
                #expect(error(logits.prefix(prompt.lastLogits.count), prompt.lastLogits) < 1e-4)
                #expect(logits.indices.max { logits[$0] < logits[$1] } == prompt.argmax)
                let sum = log(logits.reduce(0.0) { $0 + exp(Double($1)) })
                #expect(abs(sum - prompt.logsumexp) < 1e-4)
            }
            let passage = model.tokenizer.encode(golden.passageText)
            #expect(passage == golden.passageIDs)
            let losses = try model.losses(of: passage)
            let mean = losses.reduce(0.0) { $0 + Double($1) } / Double(losses.count)
            #expect(abs(mean - exact.passageNLL) < 1e-4, "\(name): \(mean)")
        }
    }

    @Test("an encoder is no language model, a decoder no encoder of texts")
    func families() throws {
        let tiny = try TinyBase()
        #expect(throws: Problem.self) { try LanguageModel(BaseFolder.open(tiny.path)) }
        let decoder = try BaseFolder.open(Self.folder.appending(path: "tiny-gpt2").path)
        #expect(throws: Problem.self) { try TextEncoder(decoder) }
    }
}
