import Problem
import StrictJSON

/// What an adapter_config.json says of a LoRA.
///
/// Options that change the mathematics and are not known here are refused, those of later versions of PEFT too: what an
/// option that is not known says must be null, false or empty.
struct PEFTConfiguration {
    let rank: Int
    let alpha: Float
    let isRankStabilized: Bool
    let rankPattern: [(key: PEFTModulePattern, value: Int)]
    let alphaPattern: [(key: PEFTModulePattern, value: Float)]
    /// The ends of paths that are adapted; nil where an expression says which, then the tensors do.
    private let targets: [String]?
    /// The blocks that are adapted; nil: all.
    private let blocks: [Int]?

    /// Options that are read below.
    private static let read: Set<String> = [
        "peft_type", "r", "lora_alpha", "use_rslora", "target_modules", "bias", "rank_pattern", "alpha_pattern",
        "layers_to_transform", "init_lora_weights",
    ]
    /// Options that change nothing about a finished adapter's outputs: where it came from, how it was to be trained, how the
    /// base stores its weights.
    private static let neutral: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "corda_config", "ensure_weight_tying", "eva_config",
        "exclude_modules", "fan_in_fan_out", "inference_mode", "layers_pattern", "lora_dropout", "lora_ga_config",
        "megatron_config", "megatron_core", "peft_version", "qalora_group_size", "revision", "runtime_config",
        "task_type",
    ]
    /// Starts that leave the base as it is; `pissa` and its like subtract from it.
    private static let neutralStarts: Set<String> = ["gaussian", "eva", "orthogonal"]

    init(json bytes: [UInt8], file: String) throws {
        let fields = try PEFTFields(json: bytes, file: file)
        let type = try fields.string("peft_type")
        guard type == "LORA" else { throw fields.unsupported("peft_type is \(Problem.excerpt(type))") }
        rank = try fields.rank("r", fields["r"])
        alpha = try fields.alpha("lora_alpha", fields["lora_alpha"])
        isRankStabilized = try fields.flag("use_rslora")
        if let bias = fields["bias"], bias.string != "none" { throw fields.unsupported("bias is not \"none\"") }
        switch fields["init_lora_weights"] {
        case nil, .null, .bool: break
        case .string(let start) where Self.neutralStarts.contains(start): break
        default: throw fields.unsupported("init_lora_weights is one that changes the base")
        }
        for member in fields.members where !Self.read.contains(member.name) && !Self.neutral.contains(member.name) {
            guard member.value.isNeutral else {
                throw fields.unsupported("\(Problem.excerpt(member.name)) is set")
            }
        }
        targets = try fields.targets()
        blocks = try fields.blocks()
        rankPattern = try fields.pattern("rank_pattern") { try fields.rank("rank_pattern", $0) }
        alphaPattern = try fields.pattern("alpha_pattern") { try fields.alpha("alpha_pattern", $0) }
    }

    /// Whether PEFT adapts a module.
    func adapts(_ path: String, block: Int) -> Bool {
        (targets?.contains { PEFTLayers.isEnd($0, ofPath: path) } ?? true) && (blocks?.contains(block) ?? true)
    }

    /// The adapter of a module: the first entry of a pattern that matches its path stands in for the default.
    func kind(of path: String) -> LoRA {
        LoRA(
            rank: rankPattern.first { $0.key.matches(path) }?.value ?? rank,
            alpha: alphaPattern.first { $0.key.matches(path) }?.value ?? alpha, isRankStabilized: isRankStabilized)
    }
}

/// The members of an adapter_config.json, read by type.
private struct PEFTFields {
    private let object: JSONObject
    private let file: String

    init(json bytes: [UInt8], file: String) throws {
        self.file = file
        do { object = try JSONObject(parsing: bytes) } catch {
            throw Self.malformed(file, "it is no JSON object at \(error)")
        }
    }

    var members: [JSONObject.Member] { object.members }

    subscript(name: String) -> JSONValue? { object[name] }

    func unsupported(_ what: String) -> Problem {
        Problem(
            "peft_unsupported", at: file, "\(what), which is not computed here.",
            do: "save a plain LoRA: peft_type LORA, bias none, no modules_to_save, no DoRA, the base unchanged.")
    }

    func malformed(_ what: String) -> Problem { Self.malformed(file, what) }

    private static func malformed(_ file: String, _ what: String) -> Problem {
        Problem(
            "peft_malformed", at: file, "\(what).", do: "take adapter_config.json as PEFT's save_pretrained wrote it.")
    }

    func string(_ name: String) throws -> String {
        guard let text = object[name]?.string else { throw malformed("\(name) is missing or no string") }
        return text
    }

    func flag(_ name: String) throws -> Bool {
        switch object[name] {
        case nil, .null: return false
        case .bool(let value): return value
        default: throw malformed("\(name) is neither true nor false")
        }
    }

    func rank(_ name: String, _ value: JSONValue?) throws -> Int {
        guard let rank = value?.integer, (1...1 << 16).contains(rank) else {
            throw malformed("\(name) holds no rank of 1 up to \(1 << 16)")
        }
        return rank
    }

    func alpha(_ name: String, _ value: JSONValue?) throws -> Float {
        guard let alpha = value?.number.map({ Float($0) }), alpha.isFinite else {
            throw malformed("\(name) holds no number")
        }
        return alpha
    }

    func targets() throws -> [String]? {
        switch object["target_modules"] {
        case .string: return nil
        case .array(let names) where !names.isEmpty && names.allSatisfy { $0.string != nil }:
            return names.compactMap(\.string)
        default: throw malformed("target_modules is neither names nor an expression")
        }
    }

    func blocks() throws -> [Int]? {
        switch object["layers_to_transform"] {
        case nil, .null: return nil
        case .integer(let block): return [block]
        case .array(let elements) where elements.allSatisfy { $0.integer != nil }:
            return elements.isEmpty ? nil : elements.compactMap(\.integer)
        default: throw malformed("layers_to_transform holds no block numbers")
        }
    }

    func pattern<Value>(_ name: String, _ value: (JSONValue) throws -> Value) throws -> [(PEFTModulePattern, Value)] {
        guard let pattern = object[name], !pattern.isNull else { return [] }
        guard let members = pattern.object?.members else { throw malformed("\(name) is no object") }
        return try members.map { member in
            guard let key = PEFTModulePattern(member.name) else {
                throw unsupported("\(name) has the expression \(Problem.excerpt(member.name))")
            }
            return (key, try value(member.value))
        }
    }
}

extension JSONValue {
    /// Whether it says that there is nothing.
    fileprivate var isNeutral: Bool {
        switch self {
        case .null, .bool(false): true
        case .array(let elements): elements.isEmpty
        case .object(let object): object.members.isEmpty
        default: false
        }
    }
}
