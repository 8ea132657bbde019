import Adapters
import Model
import Problem
import Safetensors
import Tensor

extension FuzzTarget {
    /// A user's LoRA inside a base as a file: written and read again, and exported to PEFT.
    static let lora = FuzzTarget("lora") { bytes in
        let file = try SafetensorsFile(bytes, name: "fuzzed")
        try forEachFamily { shape in
            try LoRAFile(decoding: file, for: shape, baseDigest: baseDigest, at: "fuzzed")
        } use: { adapter, shape in
            use(adapter, shape)
            let folder = try export(adapter.plan(shape), adapter.parameters)
            _ = again { try folder.adapter(for: shape, baseDigest: baseDigest) }
        }
    }

    /// A folder of PEFT: adapter_config.json up to the first zero byte, which no JSON has, adapter_model.safetensors after it.
    /// What is read is exported and read again, and made a file of ours.
    static let peft = FuzzTarget("peft") { bytes in
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
        let folder = PEFTFolder(path: "fuzzed", configuration: parts[0], weights: parts.count > 1 ? parts[1] : [])
        try forEachFamily { shape in
            try folder.adapter(for: shape, baseDigest: baseDigest)
        } use: { adapter, shape in
            guard !adapter.plan.slots.isEmpty else { return }
            use(LoRAFile(adapter.plan, parameters: adapter.parameters, baseDigest: baseDigest), shape)
            let copy = again {
                try export(adapter.plan, adapter.parameters).adapter(for: shape, baseDigest: baseDigest)
            }
            promise(copy.parameters == adapter.parameters)
            promise(copy.plan.slots.map(\.site) == adapter.plan.slots.map(\.site))
            promise(copy.plan.slots.map { $0.kind as? LoRA } == adapter.plan.slots.map { $0.kind as? LoRA })
        }
    }

    /// Reads for a base of each family and uses what is read. An input that is for none is refused as the first of them does
    /// that knows its layers.
    private static func forEachFamily<Value>(
        _ read: (TransformerConfiguration) throws -> Value, use: (Value, TransformerConfiguration) throws -> Void
    ) throws {
        var refusals: [Problem] = []
        for shape in shapes {
            let value: Value
            do { value = try read(shape) } catch let error as any ProblemConvertible {
                refusals.append(error.problem)
                continue
            }
            try use(value, shape)
        }
        guard refusals.count == shapes.count else { return }
        throw refusals.first { $0.errorClass != "tensor_unknown" } ?? refusals[0]
    }

    /// Written and read again it is the same, and a bank of it acts on rows and gives gradients.
    private static func use(_ adapter: LoRAFile, _ shape: TransformerConfiguration) {
        let copy = again {
            try LoRAFile(
                decoding: SafetensorsFile(adapter.encoded(shape), name: "copy"), for: shape, baseDigest: baseDigest,
                at: "copy")
        }
        promise(copy == adapter)
        let bank = copy.bank(shape)
        promise(bank.parameters.values == adapter.parameters)
        for slot in bank.plan.slots {
            let rows = SiteRows(
                input: MatrixView(
                    rows: 2, columns: slot.inputs, values: (0..<2 * slot.inputs).map { Float($0 % 3) - 1 }),
                output: MatrixView(rows: 2, columns: slot.outputs),
                saved: MatrixView(rows: 2, columns: bank.savedColumns[slot.site] ?? 0), boundaries: [0, 2])
            bank.forward(slot.site, rows)
            bank.backward(slot.site, rows, dx: MatrixView(rows: 2, columns: slot.inputs))
        }
    }

    private static func export(_ plan: AdapterPlan, _ parameters: [Float]) throws -> PEFTFolder {
        try PEFTFolder(
            path: "copy", exporting: plan, parameters, baseName: "base",
            provenance: PEFTProvenance(base: baseDigest))
    }

    /// What the adapters of the corpus were made for, see `make_corpus.py`.
    private static let baseDigest = String(repeating: "ab", count: 32)
    private static let shapes: [TransformerConfiguration] = [
        """
        {"model_type":"gpt2","activation_function":"gelu_new","n_embd":4,"n_head":2,"n_layer":2,"n_inner":6,
        "vocab_size":300,"n_positions":16,"layer_norm_epsilon":1e-05}
        """,
        """
        {"model_type":"bert","hidden_act":"gelu","hidden_size":4,"intermediate_size":6,"num_attention_heads":2,
        "num_hidden_layers":2,"max_position_embeddings":16,"vocab_size":7,"type_vocab_size":2,"layer_norm_eps":1e-12}
        """,
        """
        {"model_type":"llama","hidden_act":"silu","hidden_size":4,"intermediate_size":6,"num_attention_heads":2,
        "num_key_value_heads":1,"num_hidden_layers":2,"max_position_embeddings":16,"vocab_size":300,
        "rms_norm_eps":1e-05,"rope_theta":10000}
        """,
    ].map { json in again { try TransformerConfiguration(json: Array(json.utf8), file: "small") } }
}
