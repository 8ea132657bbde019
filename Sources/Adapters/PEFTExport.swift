import Model
import Problem
import Safetensors
import StrictJSON
import Tensor

/// Writing.
extension PEFTFolder {
    /// The LoRA of a plan, for `AutoModel` where the base is an encoder and for `AutoModelForCausalLM` where it is a decoder.
    ///
    /// Servers may drop a type of layer that not every block has: types that occur, or that `target_modules` names along with
    /// them, are filled up with zeros. The plan's head, if any, is not part of it.
    ///
    /// GPT-2 computes queries, keys and values as one product, and PEFT adapts that: where the adapters of a block's three share
    /// `A`, they become one of the same rank; otherwise one of the sum of the ranks, its `A` those of the three one below the
    /// other, its `B` blocks of theirs on the diagonal, its alpha grown with the rank. Both add exactly what the three add.
    ///
    /// - Parameters:
    ///   - path: for errors.
    ///   - plan: of LoRA at products only.
    ///   - parameters: a user's row.
    ///   - baseName: where PEFT is to find the base, a path or a name on the hub.
    ///   - provenance: for the metadata.
    /// - Throws: `peft_unsupported` where a slot is of another kind or elsewhere, or a number is not finite.
    public init(
        path: String, exporting plan: AdapterPlan, _ parameters: [Float], baseName: String, provenance: PEFTProvenance
    ) throws {
        precondition(parameters.count == plan.parameterCount, "a row of \(parameters.count) numbers")
        let (layers, pieces) = (PEFTLayers(plan.configuration.family), try Self.pieces(of: plan, parameters, path))
        let settings = Settings(pieces.values.map(\.kind))
        guard pieces.values.allSatisfy({ settings.alpha(of: $0.kind).isFinite }) else {
            throw Self.unsupported("an alpha is too large for the rank that its layer gets", path)
        }
        var (writer, exceptions) = (SafetensorsWriter(metadata: provenance.metadata), Exceptions())
        let types = layers.named(byTargetsOf: Set(pieces.keys.map(\.layer)))
        for block in 0..<plan.configuration.blocks {
            for layer in types {
                let module = PEFTLayers.Module(block: block, layer: layer)
                let (name, sites) = (layers.path(module), layers.sites(module))
                let inputs = plan.configuration.channels(at: sites[0]).inputs
                let outputs = sites.reduce(0) { $0 + plan.configuration.channels(at: $1).outputs }
                let piece = pieces[module] ?? Piece.zero(settings.kind, inputs: inputs, outputs: outputs)
                let tensor = PEFTLayers.root + name
                writer.add(tensor + PEFTLayers.suffixes.a, shape: [piece.kind.rank, inputs], floats: piece.a)
                writer.add(tensor + PEFTLayers.suffixes.b, shape: [outputs, piece.kind.rank], floats: piece.b)
                if piece.kind.rank != settings.kind.rank { exceptions.ranks.append((name, piece.kind.rank)) }
                let alpha = settings.alpha(of: piece.kind)
                if alpha != settings.kind.alpha { exceptions.alphas.append((name, alpha)) }
            }
        }
        let targets = layers.layers.indices.filter { layer in pieces.keys.contains { $0.layer == layer } }
        self.init(
            path: path,
            configuration: settings.json(
                targets: targets.map { layers.layers[$0].target }, exceptions, baseName: baseName,
                taskType: layers.taskType, storesTransposed: plan.configuration.family == .gpt2),
            weights: writer.encoded())
    }

    private static func unsupported(_ what: String, _ path: String) -> Problem {
        Problem(
            "peft_unsupported", at: path, "\(what), which PEFT's LoRA does not express.",
            do: "export adapters that are LoRA at q, k, v, o, gate, up or down.")
    }

    private static func pieces(
        of plan: AdapterPlan, _ parameters: [Float], _ path: String
    ) throws -> [PEFTLayers.Module: Piece] {
        func unsupported(_ what: String) -> Problem { Self.unsupported(what, path) }
        let layers = PEFTLayers(plan.configuration.family)
        var parts: [PEFTLayers.Module: [Site: Piece]] = [:]
        for slot in plan.slots {
            guard let kind = slot.kind as? LoRA, let module = layers.module(of: slot.site), kind.alpha.isFinite else {
                throw unsupported("the adapter at \(slot.site) is \(slot.kind.name)")
            }
            let tensors = zip(slot.offsets, slot.parameters).map { Array(parameters[$0..<$0 + $1.count]) }
            guard tensors.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
                throw unsupported("the adapter at \(slot.site) has a number that is not finite")
            }
            parts[module, default: [:]][slot.site] = Piece(kind: kind, a: tensors[0], b: tensors[1])
        }
        guard !parts.isEmpty else { throw unsupported("the plan has no LoRA") }
        return Dictionary(
            uniqueKeysWithValues: parts.map { module, own in
                let sites = layers.sites(module)
                let outputs = sites.map { plan.configuration.channels(at: $0).outputs }
                return (module, Piece.joined(sites.map { own[$0] }, outputs: outputs))
            })
    }

    /// What a folder says of all modules.
    private struct Settings {
        /// The rank and alpha that most modules have.
        let kind: LoRA

        init(_ kinds: [LoRA]) {
            let isRankStabilized = kinds.allSatisfy(\.isRankStabilized)
            kind = LoRA(
                rank: Self.mostCommon(kinds.map(\.rank)),
                alpha: Self.mostCommon(kinds.map { $0.alpha(ofRank: $0.rank, isRankStabilized: isRankStabilized) }),
                isRankStabilized: isRankStabilized)
        }

        private static func mostCommon<Value: Hashable & Comparable>(_ values: [Value]) -> Value {
            let counts = Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +)
            guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else {
                preconditionFailure("the most common of none")
            }
            return most.key
        }

        /// The alpha that gives a kind its scale in this folder.
        func alpha(of other: LoRA) -> Float {
            other.alpha(ofRank: other.rank, isRankStabilized: kind.isRankStabilized)
        }

        func json(
            targets: [String], _ exceptions: Exceptions, baseName: String, taskType: String, storesTransposed: Bool
        ) -> [UInt8] {
            func object(_ members: [(name: String, value: String)]) -> String {
                "{\(members.map { "\(JSONText.quoted($0.name)): \($0.value)" }.joined(separator: ", "))}"
            }
            let members = [
                ("alpha_pattern", object(exceptions.alphas.map { ($0, Self.number($1)) })),
                ("base_model_name_or_path", JSONText.quoted(baseName)), ("bias", "\"none\""),
                ("fan_in_fan_out", "\(storesTransposed)"), ("inference_mode", "true"), ("init_lora_weights", "true"),
                ("lora_alpha", Self.number(kind.alpha)), ("lora_dropout", "0.0"), ("modules_to_save", "null"),
                ("peft_type", "\"LORA\""), ("r", "\(kind.rank)"),
                ("rank_pattern", object(exceptions.ranks.map { ($0, "\($1)") })), ("revision", "null"),
                ("target_modules", "[\(targets.map(JSONText.quoted).joined(separator: ", "))]"),
                ("task_type", "\"\(taskType)\""), ("use_dora", "false"), ("use_rslora", "\(kind.isRankStabilized)"),
            ]
            let lines = members.map { "  \"\($0)\": \($1)" }
            return Array("{\n\(lines.joined(separator: ",\n"))\n}\n".utf8)
        }

        /// Whole numbers without a point: PEFT types alpha as an integer.
        private static func number(_ value: Float) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }
    }

    /// The modules that differ from the settings.
    private struct Exceptions {
        var ranks: [(String, Int)] = []
        var alphas: [(String, Float)] = []
    }
}
