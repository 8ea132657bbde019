import Adapters
import Foundation
import Model
import Safetensors
import Tensor
import Testing

/// Exports as Python reads them, by a script that knows `safetensors` and NumPy alone.
@Suite struct PEFTPythonTests {
    private static let python = ProcessInfo.processInfo.environment["ATTUNE_TEST_PYTHON"]

    @Test(
        "Python, given an export, gets what the adapters add to each weight of every block",
        .enabled(if: python != nil, "set ATTUNE_TEST_PYTHON to a Python with numpy and safetensors"),
        arguments: GoldenAdapters.models)
    func deltas(name: String) throws {
        let shape = try PEFTFixtures.shape(name)
        var kinds: [Site: any AdapterKind] = [
            Site(.query, block: 0): LoRA(rank: 2, alpha: 3), Site(.value, block: 0): LoRA(rank: 3, alpha: 0.1),
            Site(.attentionProjection, block: 1): LoRA(rank: 2, alpha: 3),
            Site(.up, block: 0): LoRA(rank: 2, alpha: 5), Site(.down, block: 1): LoRA(rank: 4, alpha: 3),
        ]
        if shape.family == .llama { kinds[Site(.gate, block: 1)] = LoRA(rank: 2, alpha: 3) }
        let plan = AdapterPlan(shape, kinds)
        let parameters = PEFTFixtures.parameters(plan, seed: 10)
        let theirs = try Self.multiply(try PEFTFixtures.export(plan, parameters))
        let ours = PEFTFixtures.deltas(plan, parameters)
        let layers = try #require(Self.layers[shape.family])
        #expect(theirs.tensors.count == 2 * layers.count)
        for (layer, places) in layers {
            for block in 0..<shape.blocks {
                let sites = places.map { Site($0, block: block) }
                let inputs = shape.channels(at: sites[0]).inputs
                // Ours are [inputs, outputs].
                let expected = sites.flatMap { site in
                    let outputs = shape.channels(at: site).outputs
                    let delta = ours[site] ?? [Float](repeating: 0, count: inputs * outputs)
                    return (0..<outputs).flatMap { output in (0..<inputs).map { delta[$0 * outputs + output] } }
                }
                let module = layer.replacingOccurrences(of: "N", with: "\(block)")
                let delta = try theirs.floats(of: module, shape: [expected.count / inputs, inputs])
                #expect(GoldenAdapters.error(delta + [1], expected + [1]) < 1e-5, "\(module)")
            }
        }
    }

    private static let layers: [TransformerConfiguration.Family: [String: [Site.Place]]] = [
        .bert: [
            "encoder.layer.N.attention.self.query": [.query], "encoder.layer.N.attention.self.value": [.value],
            "encoder.layer.N.attention.output.dense": [.attentionProjection],
            "encoder.layer.N.intermediate.dense": [.up], "encoder.layer.N.output.dense": [.down],
        ],
        .gpt2: [
            "transformer.h.N.attn.c_attn": [.query, .key, .value],
            "transformer.h.N.attn.c_proj": [.attentionProjection],
            "transformer.h.N.mlp.c_fc": [.up], "transformer.h.N.mlp.c_proj": [.down],
        ],
        .llama: [
            "model.layers.N.self_attn.q_proj": [.query], "model.layers.N.self_attn.v_proj": [.value],
            "model.layers.N.self_attn.o_proj": [.attentionProjection], "model.layers.N.mlp.gate_proj": [.gate],
            "model.layers.N.mlp.up_proj": [.up], "model.layers.N.mlp.down_proj": [.down],
        ],
    ]

    private static func multiply(_ export: PEFTFolder) throws -> SafetensorsFile {
        let folder = FileManager.default.temporaryDirectory.appending(path: "peft-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do {
                try FileManager.default.removeItem(at: folder)
            } catch {
                print("could not remove \(folder.path): \(error)")
            }
        }
        try Data(export.configuration).write(to: folder.appending(path: PEFTFolder.configurationName))
        try Data(export.weights).write(to: folder.appending(path: PEFTFolder.weightsName))
        let out = folder.appending(path: "deltas.safetensors").path
        let process = Process()
        process.executableURL = URL(filePath: try #require(python))
        process.arguments = [GoldenAdapters.fixtures.appending(path: "multiply_peft.py").path, folder.path, out]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try SafetensorsFile(Array(try Data(contentsOf: URL(filePath: out))), name: "deltas")
    }
}
