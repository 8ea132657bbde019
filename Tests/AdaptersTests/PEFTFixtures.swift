import Adapters
import Foundation
import Model
import Safetensors
import Tensor

/// Folders that PEFT saved, and adapters of our own to export.
enum PEFTFixtures {
    /// A folder of `Fixtures`; `make_adapters.py` says which case's adapter it is.
    static func folder(_ model: String) throws -> PEFTFolder {
        let path = GoldenAdapters.fixtures.appending(path: "peft-\(model)")
        func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: path.appending(path: name))) }
        return PEFTFolder(
            path: "peft-\(model)", configuration: try bytes(PEFTFolder.configurationName),
            weights: try bytes(PEFTFolder.weightsName))
    }

    /// The name of the case whose adapter a folder holds.
    static func goldenCase(_ model: String) -> String { model == "tiny-gpt2" ? "lora-peft" : "lora-all" }

    static func shape(_ model: String) throws -> TransformerConfiguration {
        try GoldenAdapters.transformer(model).configuration
    }

    /// Normal numbers for every parameter of a plan.
    static func parameters(_ plan: AdapterPlan, seed: UInt64, scale: Double = 0.2) -> [Float] {
        var random = RandomSource(seed: seed)
        return (0..<plan.parameterCount).map { _ in Float(scale * random.normal()) }
    }

    static let digest = String(repeating: "ab", count: 32)

    static func export(_ plan: AdapterPlan, _ parameters: [Float]) throws -> PEFTFolder {
        try PEFTFolder(
            path: "export", exporting: plan, parameters, baseName: "some/base",
            provenance: PEFTProvenance(base: digest, recipe: "r", user: "demo/u-7", revision: "3"))
    }

    /// What the adapters of a plan add, site by site: the matrices of their products.
    static func deltas(_ plan: AdapterPlan, _ parameters: [Float]) -> [Site: [Float]] {
        let bank = AdapterBank(plan, users: 1)
        bank.parameters.copy(parameters.span)
        return Dictionary(
            uniqueKeysWithValues: plan.slots.map { slot in
                let tensors = slot.parameters.map { bank.tensor($0.name, at: slot.site, of: 0) }
                return (slot.site, slot.kind.delta(tensors)?.values ?? [])
            })
    }

    static func weights(_ folder: PEFTFolder) throws -> SafetensorsFile {
        try SafetensorsFile(folder.weights, name: "weights")
    }

    /// The same folder with other texts in its configuration.
    static func changing(_ folder: PEFTFolder, _ changes: [(String, String)]) -> PEFTFolder {
        var text = String(decoding: folder.configuration, as: UTF8.self)
        for (old, new) in changes { text = text.replacingOccurrences(of: old, with: new) }
        return PEFTFolder(path: folder.path, configuration: Array(text.utf8), weights: folder.weights)
    }

    /// The same folder with its tensors gone through: what `change` gives for each is written instead.
    static func rewriting(
        _ folder: PEFTFolder, _ change: (TensorDescription, [Float]) -> [(String, [Int], [Float])]
    ) throws -> PEFTFolder {
        let file = try weights(folder)
        var writer = SafetensorsWriter(metadata: file.metadata)
        for tensor in file.tensors {
            for (name, shape, values) in change(tensor, try file.floats(of: tensor.name)) {
                writer.add(name, shape: shape, floats: values)
            }
        }
        return PEFTFolder(path: folder.path, configuration: folder.configuration, weights: writer.encoded())
    }
}
