import Model

/// What PEFT calls the layers of a family that LoRA may adapt.
///
/// A layer's weights are the tensors `base_model.model.MODULE.lora_A.weight` and `…lora_B.weight`; `MODULE` is its path in the
/// model that was adapted, which models with a head put a prefix before.
struct PEFTLayers {
    /// A product of a block.
    struct Layer {
        /// Its path inside a block.
        let name: String
        /// The end of that path by which `target_modules` names it.
        let target: String
        /// The sites it yields, side by side.
        let places: [Site.Place]

        init(_ name: String, _ target: String, _ places: Site.Place...) {
            (self.name, self.target, self.places) = (name, target, places)
        }
    }

    /// A layer of a block, by its index in ``layers``.
    struct Module: Hashable, Comparable {
        let block: Int
        let layer: Int

        static func < (left: Module, right: Module) -> Bool { (left.block, left.layer) < (right.block, right.layer) }
    }

    /// What a tensor's name says.
    struct TensorName {
        let module: Module
        /// The module's path as the name has it.
        let path: String
        /// Whether it is `B`, not `A`.
        let isB: Bool
    }

    static let root = "base_model.model."
    static let suffixes = (a: ".lora_A.weight", b: ".lora_B.weight")

    let layers: [Layer]
    /// Where the blocks are, from the model without a head.
    private let container: String
    /// What a model with a head puts before.
    private let prefix: String
    /// Whether exports are for the model with a head.
    private let hasHead: Bool

    init(_ family: TransformerConfiguration.Family) {
        switch family {
        case .bert:
            (container, prefix, hasHead) = ("encoder.layer.", "bert.", false)
            layers = [
                Layer("attention.self.query", "query", .query), Layer("attention.self.key", "key", .key),
                Layer("attention.self.value", "value", .value),
                Layer("attention.output.dense", "attention.output.dense", .attentionProjection),
                Layer("intermediate.dense", "intermediate.dense", .up), Layer("output.dense", "output.dense", .down),
            ]
        case .gpt2:
            (container, prefix, hasHead) = ("h.", "transformer.", true)
            layers = [
                Layer("attn.c_attn", "c_attn", .query, .key, .value),
                Layer("attn.c_proj", "attn.c_proj", .attentionProjection), Layer("mlp.c_fc", "c_fc", .up),
                Layer("mlp.c_proj", "mlp.c_proj", .down),
            ]
        case .llama:
            (container, prefix, hasHead) = ("layers.", "model.", true)
            layers = [
                Layer("self_attn.q_proj", "q_proj", .query), Layer("self_attn.k_proj", "k_proj", .key),
                Layer("self_attn.v_proj", "v_proj", .value), Layer("self_attn.o_proj", "o_proj", .attentionProjection),
                Layer("mlp.gate_proj", "gate_proj", .gate), Layer("mlp.up_proj", "up_proj", .up),
                Layer("mlp.down_proj", "down_proj", .down),
            ]
        }
    }

    /// PEFT's word for what the model that exports are for gives.
    var taskType: String { hasHead ? "CAUSAL_LM" : "FEATURE_EXTRACTION" }

    /// The path of a module in exports.
    func path(_ module: Module) -> String {
        "\(hasHead ? prefix : "")\(container)\(module.block).\(layers[module.layer].name)"
    }

    /// The sites that a module yields.
    func sites(_ module: Module) -> [Site] { layers[module.layer].places.map { Site($0, block: module.block) } }

    /// The module that a site is part of; nil where the site is no product.
    func module(of site: Site) -> Module? {
        layers.firstIndex { $0.places.contains(site.place) }.map { Module(block: site.block, layer: $0) }
    }

    /// Layers that the targets of some layers name: themselves, and those whose path ends likewise, as BERT's
    /// `attention.output.dense` does in `output.dense`.
    func named(byTargetsOf chosen: Set<Int>) -> [Int] {
        layers.indices.filter { index in
            chosen.contains { Self.isEnd(layers[$0].target, ofPath: layers[index].name) }
        }
    }

    /// Whether `target_modules` with this entry adapts a module of this path.
    static func isEnd(_ target: String, ofPath path: String) -> Bool { path == target || path.hasSuffix(".\(target)") }

    /// Takes the name of a tensor apart; nil if it is none of a layer here.
    func parse(_ name: String) -> TensorName? {
        guard let suffix = [Self.suffixes.a, Self.suffixes.b].first(where: name.hasSuffix) else { return nil }
        let path = Self.withoutRoot(name.dropLast(suffix.count))
        let place = Self.without(prefix, path)
        guard place.hasPrefix(container) else { return nil }
        let parts = place.dropFirst(container.count).split(
            separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let block = Int(parts[0]), String(block) == parts[0],
            let layer = layers.firstIndex(where: { $0.name == parts[1] })
        else { return nil }
        return TensorName(
            module: Module(block: block, layer: layer), path: String(path), isB: suffix == Self.suffixes.b)
    }

    /// A tensor's name as the adapted model has it.
    static func withoutRoot(_ name: some StringProtocol) -> Substring { without(root, Substring(name)) }

    private static func without(_ prefix: String, _ text: Substring) -> Substring {
        text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text
    }
}
