import Adapters
import Model
import Problem
import Safetensors
import Tensor
import Testing

/// LoRA inside a base as files of our own.
@Suite struct LoRAFileTests {
    private static let digest = PEFTFixtures.digest

    private static func read(_ bytes: [UInt8], for shape: TransformerConfiguration) throws -> LoRAFile {
        try LoRAFile(
            decoding: SafetensorsFile(bytes, name: "u.safetensors"), for: shape, baseDigest: digest, at: "u.safetensors"
        )
    }

    /// LoRA at every product, of another rank, alpha and scale at each or of the same.
    private static func plan(_ shape: TransformerConfiguration, differ: Bool) -> AdapterPlan {
        var kinds: [Site: any AdapterKind] = [:]
        for block in 0..<shape.blocks {
            for place in Site.Place.allCases where place.isProjection && shape.has(Site(place, block: block)) {
                let index = differ ? kinds.count : 2
                kinds[Site(place, block: block)] = LoRA(
                    rank: 1 + index, alpha: 0.1 * Float(index), isRankStabilized: index % 3 == 0)
            }
        }
        return AdapterPlan(shape, kinds)
    }

    @Test(
        "what is read is what was written, whether sites have one rank and alpha or each its own",
        arguments: GoldenAdapters.models)
    func roundTrip(model: String) throws {
        let shape = try PEFTFixtures.shape(model)
        for differ in [false, true] {
            let plan = Self.plan(shape, differ: differ)
            let written = LoRAFile(plan, parameters: PEFTFixtures.parameters(plan, seed: 3), baseDigest: Self.digest)
            let bytes = written.encoded(shape)
            #expect(bytes == written.encoded(shape))
            #expect(try SafetensorsFile(bytes, name: "u").metadata["version"] == (differ ? "2" : "1"))
            let read = try Self.read(bytes, for: shape)
            #expect(read == written && read.kinds == plan.slots.compactMap { $0.kind as? LoRA })
            #expect(read.bank(shape).parameters.values == written.parameters)
        }
    }

    @Test("a folder of PEFT becomes a file, and its file the folder", arguments: GoldenAdapters.models)
    func peft(model: String) throws {
        let shape = try PEFTFixtures.shape(model)
        let (plan, parameters) = try PEFTFixtures.folder(model).adapter(for: shape)
        let bytes = LoRAFile(plan, parameters: parameters, baseDigest: Self.digest).encoded(shape)
        let file = try Self.read(bytes, for: shape)
        let folder = try PEFTFixtures.export(plan, parameters)
        #expect(try PEFTFixtures.export(file.plan(shape), file.parameters) == folder)
    }

    @Test("sites may be named in any order; ranks and alphas go by theirs")
    func order() throws {
        let shape = try PEFTFixtures.shape("tiny-gpt2")
        var writer = SafetensorsWriter(
            metadata: Self.metadata([
                "version": "2", "sites": "1.down 0.q", "rank": "1 2", "alpha": "3 4.5", "rank_stabilized": "true false",
            ]))
        for (name, rows, columns) in [
            ("0.q.A", 2, shape.width), ("0.q.B", shape.width, 2), ("1.down.A", 1, shape.feedForwardWidth),
            ("1.down.B", shape.width, 1),
        ] { writer.add(name, shape: [rows, columns], floats: [Float](repeating: 1, count: rows * columns)) }
        let file = try Self.read(writer.encoded(), for: shape)
        #expect(file.sites == [Site(.query, block: 0), Site(.down, block: 1)])
        #expect(file.kinds == [LoRA(rank: 2, alpha: 4.5), LoRA(rank: 1, alpha: 3, isRankStabilized: true)])
    }

    private static func metadata(_ changes: [String: String]) -> [String: String] {
        let good = [
            "format": "attune.adapter.inner", "version": "1", "kind": "lora", "rank": "2", "alpha": "4",
            "rank_stabilized": "false", "sites": "0.q 1.down", "base": digest,
        ]
        return good.merging(changes) { $1 }
    }

    @Test("an adapter of another base, a newer version and a file without its metadata are refused")
    func refusals() throws {
        let shape = try PEFTFixtures.shape("tiny-gpt2")
        func refusal(_ changes: [String: String]) -> String? {
            let bytes = SafetensorsWriter(metadata: Self.metadata(changes)).encoded()
            do { _ = try Self.read(bytes, for: shape) } catch let problem as Problem {
                return problem.errorClass
            } catch { return "\(error)" }
            return nil
        }
        #expect(refusal([:]) == "tensor_missing")
        #expect(refusal(["version": "2", "rank": "2 65536", "alpha": "1 -2"]) == "tensor_missing")
        #expect(refusal(["base": String(repeating: "cd", count: 32)]) == "base_mismatch")
        #expect(refusal(["version": "3"]) == "payload_newer")
        for wrong in [
            ["format": "other"], ["version": "x"], ["version": "0"], ["kind": "sparse"], ["rank": "0"],
            ["alpha": "nan"], ["rank_stabilized": "maybe"], ["sites": ""], ["sites": "0.q 0.q"], ["sites": "0.gate"],
            ["sites": "2.q"], ["sites": "0.attention"], ["sites": "-1.q"], ["sites": "0.q x"], ["rank": "2 2"],
            ["version": "2", "rank": "2 2 2"], ["version": "2", "rank": "2 0"], ["version": "2", "alpha": "4  4"],
            ["version": "2", "rank_stabilized": "false no"], ["version": "2", "alpha": ""],
        ] { #expect(refusal(wrong) == "adapter_malformed", "\(wrong)") }
    }
}
