public import Model
import Problem
import Safetensors
import Tensor

/// A LoRA as the library PEFT stores it (Mangrulkar et al. 2022): two files of one folder.
///
/// The files are made and read here as bytes. A head over the pooled output is no part of such a folder:
/// ``SentenceTransformersFolder`` carries it.
public struct PEFTFolder: Sendable, Equatable {
    /// The name of ``configuration`` in the folder.
    public static let configurationName = "adapter_config.json"
    /// The name of ``weights`` in the folder.
    public static let weightsName = "adapter_model.safetensors"

    /// The folder's path, which errors carry.
    public let path: String
    /// What kind of adapter it is.
    public let configuration: [UInt8]
    /// Its numbers.
    public let weights: [UInt8]

    /// Takes the two files of a folder, unchecked.
    public init(path: String, configuration: [UInt8], weights: [UInt8]) {
        (self.path, self.configuration, self.weights) = (path, configuration, weights)
    }
}

/// Reading.
extension PEFTFolder {
    /// The LoRA, as a plan for a base of this shape and the numbers of one user's row.
    ///
    /// Each site may have a rank and an alpha of its own. An adapter of GPT-2's joined `c_attn` becomes three that share `A`, each
    /// with its third of `B`. A layer whose `A` and `B` are all zeros is left out: it adds nothing, and no gradient reaches it.
    ///
    /// - Parameters:
    ///   - shape: of the base.
    ///   - baseDigest: of the base; a file of ours that names another is refused.
    /// - Throws: `peft_malformed`, `peft_unsupported` for what changes the mathematics and is not computed here,
    ///   `tensor_unknown`, `tensor_missing`, `tensor_shape`, `tensor_type`, `base_mismatch`, and what the safetensors
    ///   reader refuses.
    public func adapter(
        for shape: TransformerConfiguration, baseDigest: String? = nil
    ) throws -> (plan: AdapterPlan, parameters: [Float]) {
        let settings = try PEFTConfiguration(json: configuration, file: "\(path)/\(Self.configurationName)")
        let file = try SafetensorsFile(weights, name: "\(path)/\(Self.weightsName)")
        try check(file, madeFor: baseDigest)
        let layers = PEFTLayers(shape.family)
        let found = try modules(of: file, layers, settings, blocks: shape.blocks)
        var kinds: [Site: any AdapterKind] = [:]
        var tensors: [Site: (a: [Float], b: [Float])] = [:]
        for (module, names) in found.sorted(by: { $0.key < $1.key }) {
            let kind = settings.kind(of: names.path)
            let sites = layers.sites(module)
            let outputs = sites.map { shape.channels(at: $0).outputs }
            let a = try file.floats(of: names.a, shape: [kind.rank, shape.channels(at: sites[0]).inputs])
            let b = try file.floats(of: names.b, shape: [outputs.reduce(0, +), kind.rank])
            guard (a + b).allSatisfy(\.isFinite) else {
                throw malformed("\(names.path) has a weight that is not finite")
            }
            if (a + b).allSatisfy({ $0 == 0 }) { continue }
            var first = 0
            for (site, outputs) in zip(sites, outputs) {
                kinds[site] = kind
                tensors[site] = (a, Array(b[first * kind.rank..<(first + outputs) * kind.rank]))
                first += outputs
            }
        }
        let plan = AdapterPlan(shape, kinds)
        let parameters = plan.slots.flatMap { slot in tensors[slot.site].map { $0.a + $0.b } ?? [] }
        return (plan, parameters)
    }

    /// What a module's tensors are called.
    private struct TensorNames {
        let path: String
        var a: String
        var b: String
    }

    /// The modules that have tensors; every tensor must belong to one.
    private func modules(
        of file: SafetensorsFile, _ layers: PEFTLayers, _ settings: PEFTConfiguration, blocks: Int
    ) throws -> [PEFTLayers.Module: TensorNames] {
        var found: [PEFTLayers.Module: TensorNames] = [:]
        for tensor in file.tensors {
            guard let name = layers.parse(tensor.name), (0..<blocks).contains(name.module.block) else {
                throw Problem(
                    "tensor_unknown", at: file.name,
                    "\(Problem.excerpt(PEFTLayers.withoutRoot(tensor.name))) is no LoRA of a layer that the base has.",
                    do: "name the base that the adapter was trained on; other kinds of layer are not adapted here.")
            }
            guard [.float32, .float16, .bfloat16].contains(tensor.elementType) else {
                throw Problem(
                    "tensor_type", at: file.name, "\(tensor.name) is \(tensor.elementType.rawValue).",
                    do: "store the adapter as F32, F16 or BF16.")
            }
            guard settings.adapts(name.path, block: name.module.block) else {
                throw malformed("\(Self.configurationName) does not adapt \(name.path), which has weights")
            }
            let stem = tensor.name.dropLast(PEFTLayers.suffixes.a.count)
            let names = TensorNames(
                path: name.path, a: stem + PEFTLayers.suffixes.a, b: stem + PEFTLayers.suffixes.b)
            guard (found[name.module] ?? names).path == name.path else {
                throw malformed("\(name.path) is there under two names")
            }
            found[name.module] = names
        }
        guard !found.isEmpty else { throw malformed("it holds no tensor") }
        return found
    }

    private func check(_ file: SafetensorsFile, madeFor baseDigest: String?) throws {
        guard let baseDigest, let made = PEFTProvenance(metadata: file.metadata)?.base, made != baseDigest else {
            return
        }
        throw Problem(
            "base_mismatch", at: file.name,
            "it was made for base \(Problem.excerpt(made.prefix(8)))…, this one is \(baseDigest.prefix(8))….",
            do: "name the base that it was made for.")
    }

    private func malformed(_ what: String) -> Problem {
        Problem(
            "peft_malformed", at: "\(path)/\(Self.weightsName)", "\(what).",
            do: "take both files from one folder, as PEFT's save_pretrained wrote them.")
    }
}
