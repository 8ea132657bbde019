import Adapters
import Foundation
import Model
import Problem
import Safetensors
import StrictJSON
import Tensor
import Testing

/// Folders of PEFT, written.
@Suite struct PEFTExportTests {
    private static func object(_ folder: PEFTFolder) throws -> JSONObject {
        try #require(try JSONValue(parsing: folder.configuration).object)
    }

    /// LoRA of other ranks and alphas at some sites of the family.
    private static func mixed(_ shape: TransformerConfiguration) -> [Site: any AdapterKind] {
        var kinds: [Site: any AdapterKind] = [
            Site(.attentionProjection, block: 0): LoRA(rank: 2, alpha: 3), Site(.up, block: 1): LoRA(rank: 5, alpha: 3),
            Site(.down, block: 1): LoRA(rank: 2, alpha: 0.1), Site(.up, block: 0): LoRA(rank: 2, alpha: 3),
        ]
        if shape.family != .gpt2 { kinds[Site(.value, block: 1)] = LoRA(rank: 2, alpha: 7) }
        if shape.family == .llama { kinds[Site(.gate, block: 1)] = LoRA(rank: 1, alpha: 1) }
        return kinds
    }

    @Test(
        "an export that is read back is the adapter it was made of, bit for bit", arguments: GoldenAdapters.models)
    func roundTrip(name: String) throws {
        let shape = try PEFTFixtures.shape(name)
        let plan = AdapterPlan(shape, Self.mixed(shape))
        let parameters = PEFTFixtures.parameters(plan, seed: 1)
        let back = try PEFTFixtures.export(plan, parameters).adapter(for: shape)
        #expect(back.parameters == parameters)
        #expect(back.plan.slots.map(\.site) == plan.slots.map(\.site))
        #expect(back.plan.slots.map { $0.kind as? LoRA } == plan.slots.map { $0.kind as? LoRA })
        for (site, kind) in Self.mixed(shape) {
            let single = AdapterPlan(shape, [site: LoRA(rank: 3, alpha: 0.7, isRankStabilized: true)])
            let own = PEFTFixtures.parameters(single, seed: 2)
            let folder = try PEFTFixtures.export(single, own)
            let stabilized = try folder.adapter(for: shape)
            #expect(stabilized.parameters == own, "\(kind.name) at \(site)")
            #expect(stabilized.plan.slots[0].kind as? LoRA == LoRA(rank: 3, alpha: 0.7, isRankStabilized: true))
        }
    }

    @Test("what PEFT saved is exported under the names, shapes and settings it has", arguments: GoldenAdapters.models)
    func sameAsPEFT(name: String) throws {
        let shape = try PEFTFixtures.shape(name)
        let theirs = try PEFTFixtures.folder(name)
        let (plan, parameters) = try theirs.adapter(for: shape)
        let ours = try PEFTFixtures.export(plan, parameters)
        let (ourFile, theirFile) = (try PEFTFixtures.weights(ours), try PEFTFixtures.weights(theirs))
        #expect(ourFile.tensors.map(\.name) == theirFile.tensors.map(\.name))
        for tensor in theirFile.tensors {
            #expect(try ourFile.floats(of: tensor.name, shape: tensor.shape) == theirFile.floats(of: tensor.name))
        }
        let (own, reference) = (try Self.object(ours), try Self.object(theirs))
        for setting in ["r", "lora_alpha"] { #expect(own[setting]?.integer == reference[setting]?.integer) }
        for setting in ["peft_type", "task_type", "bias"] {
            #expect(own[setting]?.string == reference[setting]?.string)
        }
        for setting in ["use_rslora", "fan_in_fan_out", "use_dora", "inference_mode"] {
            #expect(own[setting]?.bool == reference[setting]?.bool)
        }
        #expect(own["rank_pattern"]?.object?.members.isEmpty == true)
        #expect(own["alpha_pattern"]?.object?.members.isEmpty == true)
        #expect(own["base_model_name_or_path"]?.string == "some/base")
        #expect(
            ourFile.metadata == [
                "format": "pt", "attune.base": PEFTFixtures.digest, "attune.recipe": "r", "attune.user": "demo/u-7",
                "attune.revision": "3",
            ])
    }

    @Test("a type of layer that one block has is filled up with zeros in the others, and what its target also names")
    func zeroFill() throws {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let plan = AdapterPlan(shape, [Site(.down, block: 1): LoRA(rank: 2, alpha: 4)])
        let folder = try PEFTFixtures.export(plan, PEFTFixtures.parameters(plan, seed: 3))
        let file = try PEFTFixtures.weights(folder)
        let names = ["attention.output.dense", "output.dense"].flatMap { layer in
            (0..<2).flatMap { block in
                ["A", "B"].map { "base_model.model.encoder.layer.\(block).\(layer).lora_\($0).weight" }
            }
        }
        #expect(Set(file.tensors.map(\.name)) == Set(names))
        let live = try file.tensors.filter { try file.floats(of: $0.name).contains { $0 != 0 } }.map(\.name)
        #expect(live.allSatisfy { $0.hasPrefix("base_model.model.encoder.layer.1.output.dense.lora_") })
        #expect(live.count == 2)
        #expect(
            try file.description(of: "base_model.model.encoder.layer.0.output.dense.lora_A.weight").shape == [2, 40])
        #expect(try Self.object(folder)["target_modules"]?.array?.map(\.string) == ["output.dense"])
    }

    @Test("ranks and alphas that differ from most stand in the patterns under the whole path")
    func patterns() throws {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let plan = AdapterPlan(shape, Self.mixed(shape))
        let settings = try Self.object(try PEFTFixtures.export(plan, PEFTFixtures.parameters(plan, seed: 4)))
        #expect(settings["r"]?.integer == 2 && settings["lora_alpha"]?.integer == 3)
        let ranks = try #require(settings["rank_pattern"]?.object)
        #expect(ranks.members.map(\.name) == ["encoder.layer.1.intermediate.dense"])
        #expect(ranks.members.map(\.value.integer) == [5])
        let alphas = try #require(settings["alpha_pattern"]?.object)
        #expect(
            alphas.members.map(\.name) == ["encoder.layer.1.attention.self.value", "encoder.layer.1.output.dense"])
        #expect(alphas.members.map(\.value.number) == [7, 0.1])
    }

    @Test("adapters of GPT-2's queries, keys and values that share A become one of the same rank, and back")
    func sharedJoinedProduct() throws {
        let shape = try PEFTFixtures.shape("tiny-gpt2")
        let sites = [Site.Place.query, .key, .value].map { Site($0, block: 1) }
        let plan = AdapterPlan(
            shape, Dictionary(uniqueKeysWithValues: sites.map { ($0, LoRA(rank: 2, alpha: 5)) }))
        var parameters = PEFTFixtures.parameters(plan, seed: 5)
        let shared = Array(parameters[..<(2 * shape.width)])
        for slot in plan.slots {
            parameters.replaceSubrange(slot.offsets[0]..<slot.offsets[0] + shared.count, with: shared)
        }
        let folder = try PEFTFixtures.export(plan, parameters)
        let file = try PEFTFixtures.weights(folder)
        let names = (0..<2).flatMap { block in
            ["A", "B"].map { "base_model.model.transformer.h.\(block).attn.c_attn.lora_\($0).weight" }
        }
        #expect(Set(file.tensors.map(\.name)) == Set(names))
        #expect(try file.floats(of: names[2], shape: [2, shape.width]) == shared)
        #expect(try file.description(of: names[3]).shape == [3 * shape.width, 2])
        let back = try folder.adapter(for: shape)
        #expect(back.parameters == parameters && back.plan.slots.map(\.site) == sites)
        #expect(back.plan.slots.allSatisfy { $0.kind as? LoRA == LoRA(rank: 2, alpha: 5) })
    }

    @Test("those that do not share A become one of the sum of the ranks, which adds the same")
    func blockFormOfTheJoinedProduct() throws {
        let shape = try PEFTFixtures.shape("tiny-gpt2")
        let own: [[Site.Place: LoRA]] = [
            [.query: LoRA(rank: 2, alpha: 5), .key: LoRA(rank: 2, alpha: 5), .value: LoRA(rank: 2, alpha: 5)],
            [.query: LoRA(rank: 2, alpha: 5), .value: LoRA(rank: 3, alpha: 1)],
            [
                .key: LoRA(rank: 1, alpha: 2, isRankStabilized: true),
                .value: LoRA(rank: 4, alpha: 3, isRankStabilized: true),
            ],
            [.query: LoRA(rank: 1, alpha: 2), .key: LoRA(rank: 4, alpha: 3, isRankStabilized: true)],
        ]
        for (index, kinds) in own.enumerated() {
            let plan = AdapterPlan(
                shape, Dictionary(uniqueKeysWithValues: kinds.map { (Site($0.key, block: 0), $0.value) }))
            let parameters = PEFTFixtures.parameters(plan, seed: UInt64(index))
            let back = try PEFTFixtures.export(plan, parameters).adapter(for: shape)
            let rank = kinds.values.reduce(0) { $0 + $1.rank }
            #expect(back.plan.slots.allSatisfy { ($0.kind as? LoRA)?.rank == rank })
            if index == 0 { #expect(back.plan.slots.allSatisfy { ($0.kind as? LoRA)?.alpha == 15 }) }
            let (before, after) = (
                PEFTFixtures.deltas(plan, parameters), PEFTFixtures.deltas(back.plan, back.parameters)
            )
            #expect(back.plan.slots.count == 3)
            for (site, delta) in after {
                let expected = before[site] ?? [Float](repeating: 0, count: delta.count)
                #expect(GoldenAdapters.error(delta, expected) < 1e-6, "\(index) \(site)")
            }
        }
    }

    @Test("what is no LoRA of a product is refused in words")
    func refusals() throws {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let product = Site(.query, block: 0)
        let cases: [[Site: any AdapterKind]] = [
            [:], [product: Bottleneck.pfeiffer(width: 2)], [Site(.attention, block: 0): LoRA(rank: 1, alpha: 1)],
            [product: LoRA(rank: 1, alpha: .infinity)],
        ]
        for kinds in cases {
            let plan = AdapterPlan(shape, kinds)
            let problem = #expect(throws: Problem.self) {
                _ = try PEFTFixtures.export(plan, [Float](repeating: 1, count: plan.parameterCount))
            }
            #expect(problem?.errorClass == "peft_unsupported" && problem?.location == "export")
        }
        let plan = AdapterPlan(shape, [product: LoRA(rank: 1, alpha: 1)])
        let problem = #expect(throws: Problem.self) {
            _ = try PEFTFixtures.export(plan, [Float](repeating: .nan, count: plan.parameterCount))
        }
        #expect(problem?.errorClass == "peft_unsupported")
        // Joined, their alpha grows with the rank, over what a Float holds.
        let joined = try PEFTFixtures.shape("tiny-gpt2")
        let large = AdapterPlan(
            joined, [product: LoRA(rank: 1, alpha: 3e38), Site(.value, block: 0): LoRA(rank: 1, alpha: 3e38)])
        let overflow = #expect(throws: Problem.self) {
            _ = try PEFTFixtures.export(large, PEFTFixtures.parameters(large, seed: 1))
        }
        #expect(overflow?.reason.hasPrefix("an alpha is too large ") == true)
    }

    @Test("a head is left out, and what adds nothing is not read back")
    func headsAndZeros() throws {
        let shape = try PEFTFixtures.shape("tiny-bert")
        let kind = LoRA(rank: 2, alpha: 2)
        let plan = AdapterPlan(
            shape, [Site(.query, block: 0): kind, Site(.query, block: 1): kind], head: .classification(classes: 3))
        var parameters = PEFTFixtures.parameters(plan, seed: 7)
        let second = plan.slots[1].offsets[0]
        for index in second..<second + 4 * shape.width { parameters[index] = 0 }
        let back = try PEFTFixtures.export(plan, parameters).adapter(for: shape)
        #expect(back.plan.slots.map(\.site) == [Site(.query, block: 0)] && back.plan.head == nil)
        #expect(back.parameters == Array(parameters[..<second]))
    }
}
