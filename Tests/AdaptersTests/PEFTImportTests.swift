import Adapters
import Foundation
import Model
import Problem
import Safetensors
import Tensor
import Testing

/// Folders of PEFT, read.
@Suite struct PEFTImportTests {
    @Test(
        "folders that PEFT saved hold the reference's parameters and give its losses", arguments: GoldenAdapters.models)
    func fixtures(name: String) throws {
        let (golden, transformer) = (try GoldenAdapters.read(name), try GoldenAdapters.transformer(name))
        let shape = transformer.configuration
        let reference = try #require(golden.cases.first { $0.name == PEFTFixtures.goldenCase(name) })
        let (plan, parameters) = try PEFTFixtures.folder(name).adapter(for: shape)
        #expect(plan.slots.count == reference.sites.count)
        var model = GoldenModel(
            transformer, Dictionary(uniqueKeysWithValues: plan.slots.map { ($0.site, $0.kind) }), golden)
        let bank = try #require(model.bank)
        let kind = LoRA(rank: try #require(reference.rank), alpha: try #require(reference.alpha))
        for slot in plan.slots {
            #expect(slot.kind as? LoRA == kind)
            let own = try #require(
                reference.sites.first { GoldenAdapters.site($0.site, $0.block, shape) == slot.site })
            for (tensor, offset) in zip(slot.parameters, slot.offsets) {
                let values = Array(parameters[offset..<offset + tensor.count])
                #expect(values == own.parameters[tensor.name], "\(slot.site) \(tensor.name)")
                bank.tensor(tensor.name, at: slot.site, of: 0).copy(values.span)
            }
        }
        let loss = model.lossAndGradients()
        #expect(abs(loss - reference.loss) < 1e-5 * reference.loss)
        var base = GoldenModel(transformer, [:], golden)
        #expect(abs(loss - base.lossAndGradients()) > 1e-3 * reference.loss, "the adapter changes nothing")
    }

    @Test("names with and without the prefix of a model with a head mean the same", arguments: GoldenAdapters.models)
    func prefixes(name: String) throws {
        let shape = try PEFTFixtures.shape(name)
        let folder = try PEFTFixtures.folder(name)
        let expected = try folder.adapter(for: shape)
        let prefix = try #require(["tiny-bert": "bert.", "tiny-gpt2": "transformer.", "tiny-llama": "model."][name])
        for other in ["base_model.model.", "base_model.model.\(prefix)", "", prefix] {
            let renamed = try PEFTFixtures.rewriting(folder) { tensor, values in
                var path = tensor.name.dropFirst("base_model.model.".count)
                if path.hasPrefix(prefix) { path = path.dropFirst(prefix.count) }
                return [(other + path, tensor.shape, values)]
            }
            let adapter = try renamed.adapter(for: shape)
            #expect(adapter.parameters == expected.parameters, "\(other)")
            #expect(adapter.plan.slots.map(\.site) == expected.plan.slots.map(\.site), "\(other)")
        }
    }

    @Test("an adapter of GPT-2's joined product becomes three that share A and add the same")
    func joinedProduct() throws {
        let shape = try PEFTFixtures.shape("tiny-gpt2")
        let (rank, width) = (2, shape.width)
        var random = RandomSource(seed: 6)
        let a = (0..<rank * width).map { _ in Float(random.normal()) }
        let b = (0..<3 * width * rank).map { _ in Float(random.normal()) }
        var writer = SafetensorsWriter()
        writer.add("base_model.model.transformer.h.1.attn.c_attn.lora_A.weight", shape: [rank, width], floats: a)
        writer.add("base_model.model.transformer.h.1.attn.c_attn.lora_B.weight", shape: [3 * width, rank], floats: b)
        let configuration = #"{"peft_type": "LORA", "r": 2, "lora_alpha": 3, "target_modules": ["c_attn"]}"#
        let (plan, parameters) = try PEFTFolder(
            path: "c_attn", configuration: Array(configuration.utf8), weights: writer.encoded()
        ).adapter(for: shape)
        #expect(plan.slots.map(\.site.description) == ["1.q", "1.k", "1.v"])
        #expect(plan.slots.allSatisfy { $0.kind as? LoRA == LoRA(rank: 2, alpha: 3) })
        for (third, slot) in plan.slots.enumerated() {
            let size = width * rank
            #expect(Array(parameters[slot.offsets[0]..<slot.offsets[0] + rank * width]) == a)
            #expect(
                Array(parameters[slot.offsets[1]..<slot.offsets[1] + size])
                    == Array(b[third * size..<(third + 1) * size]))
        }
    }

    @Test("half-precision numbers are read exactly", arguments: [ElementType.float16, .bfloat16])
    func halves(type: ElementType) throws {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let one: UInt16 = type == .float16 ? 0x3C00 : 0x3F80
        var writer = SafetensorsWriter()
        for (part, size) in [("A", [3, 24]), ("B", [24, 3])] {
            writer.add(
                "base_model.model.encoder.layer.0.attention.self.query.lora_\(part).weight", type: type, shape: size,
                bytes: (0..<72).flatMap { _ in [UInt8(one & 255), UInt8(one >> 8)] })
        }
        let adapter = try PEFTFolder(
            path: "halves", configuration: try PEFTFixtures.folder("tiny-bert").configuration,
            weights: writer.encoded()
        ).adapter(for: shape)
        #expect(adapter.parameters == [Float](repeating: 1, count: 144))
    }

    @Test("patterns of ranks and alphas go by the ends of paths")
    func patterns() throws {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let folder = PEFTFixtures.changing(
            try PEFTFixtures.folder("tiny-bert"),
            [
                (
                    "\"alpha_pattern\": {}",
                    #""alpha_pattern": {"^encoder.layer.0.output.dense": 1, "attention\\.output\\.dense$": 2.5, "query": 9}"#
                ),
                ("\"use_rslora\": false", "\"use_rslora\": true"),
            ])
        let alphas = Dictionary(
            uniqueKeysWithValues: try folder.adapter(for: shape).plan.slots.map { slot in
                (slot.site.description, (slot.kind as? LoRA)?.alpha)
            })
        #expect(alphas["0.down"] == 1 && alphas["1.down"] == 6 && alphas["0.o"] == 2.5 && alphas["1.o"] == 2.5)
        #expect(alphas["0.q"] == 9 && alphas["1.q"] == 9 && alphas["0.k"] == 6)
        #expect(try folder.adapter(for: shape).plan.slots.allSatisfy { ($0.kind as? LoRA)?.isRankStabilized == true })
    }

    @Test(
        "a configuration that is malformed, or says what is not computed, is refused in words",
        arguments: [
            ("\"LORA\"", "\"LOHA\"", "peft_unsupported"),
            ("\"use_dora\": false", "\"use_dora\": true", "peft_unsupported"),
            ("\"bias\": \"none\"", "\"bias\": \"all\"", "peft_unsupported"),
            ("\"lora_bias\": false", "\"lora_bias\": true", "peft_unsupported"),
            ("\"modules_to_save\": null", "\"modules_to_save\": [\"classifier\"]", "peft_unsupported"),
            ("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", "peft_unsupported"),
            ("\"layer_replication\": null", "\"layer_replication\": [[0, 1]]", "peft_unsupported"),
            ("\"use_qalora\": false", "\"use_option_of_tomorrow\": 1", "peft_unsupported"),
            ("\"alpha_pattern\": {}", "\"alpha_pattern\": {\".*query|key\": 2}", "peft_unsupported"),
            ("\"peft_type\": \"LORA\",", "", "peft_malformed"), ("\"r\": 3", "\"r\": 0", "peft_malformed"),
            ("\"r\": 3", "\"r\": \"3\"", "peft_malformed"),
            ("\"lora_alpha\": 6", "\"lora_alpha\": null", "peft_malformed"),
            ("\"use_rslora\": false", "\"use_rslora\": 1", "peft_malformed"),
            ("\"rank_pattern\": {}", "\"rank_pattern\": {\"query\": -1}", "peft_malformed"),
            ("\"rank_pattern\": {}", "\"rank_pattern\": []", "peft_malformed"),
            ("\"layers_to_transform\": null", "\"layers_to_transform\": \"0\"", "peft_malformed"),
            ("\"target_modules\": [", "\"target_modules\": [7, ", "peft_malformed"), ("{", "[", "peft_malformed"),
            ("\"query\",", "", "peft_malformed"),
            ("\"layers_to_transform\": null", "\"layers_to_transform\": [0]", "peft_malformed"),
            ("\"r\": 3", "\"r\": 4", "tensor_shape"),
            ("\"rank_pattern\": {}", "\"rank_pattern\": {\"query\": 2}", "tensor_shape"),
        ])
    func configurations(old: String, new: String, errorClass: String) throws {
        let original = try PEFTFixtures.folder("tiny-bert")
        let folder = PEFTFixtures.changing(original, [(old, new)])
        #expect(folder != original)
        let shape = try PEFTFixtures.shape("tiny-bert")
        let problem = #expect(throws: Problem.self) { _ = try folder.adapter(for: shape) }
        #expect(problem?.errorClass == errorClass, "\(problem?.description ?? "")")
        #expect(problem?.location.hasPrefix("peft-tiny-bert/") == true)
    }

    @Test(
        "tensors that are of no layer, missing, misshapen, not numbers or there twice are refused in words",
        arguments: [
            ("encoder.layer.1.", "encoder.layer.2.", "tensor_unknown"),
            ("encoder.layer.1.", "encoder.layer.01.", "tensor_unknown"),
            ("attention.self.query", "attention.self.rotary", "tensor_unknown"),
            ("lora_B.weight", "lora_B.bias", "tensor_unknown"), ("0.output.dense.lora_A.weight", "", "tensor_missing"),
            ("0.output.dense.lora_B.weight", "", "tensor_missing"), ("key.lora_A", "transposed", "tensor_shape"),
            ("key.lora_B", "transposed", "tensor_shape"), ("key.lora_B", "nan", "peft_malformed"),
            ("value.lora_A", "twice", "peft_malformed"), ("lora", "", "peft_malformed"),
        ])
    func tensors(part: String, change: String, errorClass: String) throws {
        let folder = try PEFTFixtures.rewriting(try PEFTFixtures.folder("tiny-bert")) { tensor, values in
            let all = (tensor.name, tensor.shape, values)
            guard tensor.name.contains(part) else { return [all] }
            switch change {
            case "": return []
            case "transposed": return [(tensor.name, tensor.shape.reversed(), values)]
            case "nan": return [(tensor.name, tensor.shape, values.map { _ in .nan })]
            case "twice": return [all, ("base_model.model.bert." + tensor.name.dropFirst(17), tensor.shape, values)]
            default: return [(tensor.name.replacingOccurrences(of: part, with: change), tensor.shape, values)]
            }
        }
        let shape = try PEFTFixtures.shape("tiny-bert")
        let problem = #expect(throws: Problem.self) { _ = try folder.adapter(for: shape) }
        #expect(problem?.errorClass == errorClass, "\(problem?.description ?? "")")
        #expect(problem?.location == "peft-tiny-bert/adapter_model.safetensors")
    }

    @Test("numbers in types that adapters are not stored in are refused, and so is another base's adapter")
    func typesAndBases() throws {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let folder = try PEFTFixtures.folder("tiny-bert")
        var writer = SafetensorsWriter()
        writer.add(
            "base_model.model.encoder.layer.0.attention.self.query.lora_A.weight", shape: [3, 24],
            int8s: [Int8](repeating: 1, count: 72))
        let integers = PEFTFolder(path: "p", configuration: folder.configuration, weights: writer.encoded())
        let type = #expect(throws: Problem.self) { _ = try integers.adapter(for: shape) }
        #expect(type?.errorClass == "tensor_type")
        let (plan, parameters) = try folder.adapter(for: shape, baseDigest: PEFTFixtures.digest)
        let export = try PEFTFixtures.export(plan, parameters)
        #expect(try export.adapter(for: shape, baseDigest: PEFTFixtures.digest).parameters == parameters)
        let other = #expect(throws: Problem.self) {
            _ = try export.adapter(for: shape, baseDigest: String(repeating: "0", count: 64))
        }
        #expect(other?.errorClass == "base_mismatch")
        let decoder = try PEFTFixtures.shape("tiny-llama")
        let family = #expect(throws: Problem.self) { _ = try folder.adapter(for: decoder) }
        #expect(family?.errorClass == "tensor_unknown")
    }
}
