public import Model
import Problem
public import Safetensors
import Tensor

/// A user's low-rank adapters inside a base, as one safetensors file.
///
/// Tensors: each parameter in f32 under `SITE.PARAMETER`, for example `3.q.A` `[rank, inputs]` and `3.q.B` `[outputs, rank]`.
/// With x what the site's product reads, the site's output gains `scale (x Aᵀ) Bᵀ`. Metadata: `format`
/// (`attune.adapter.inner`), `version` (readers refuse a newer one), `kind` (`lora`), `sites` (separated by spaces), `rank`,
/// `alpha`, `rank_stabilized` (whether the scale is `alpha / sqrt(rank)` rather than `alpha / rank`) and `base`, the digest of
/// what it fits: nothing else. Version 1 has one rank, alpha and scale for all sites. Version 2, written where sites differ,
/// may have one for each, in the order of the sites and separated by spaces.
public struct LoRAFile: Sendable, Equatable {
    /// The newest version this code reads; it writes the oldest that can hold an adapter.
    public static let version = 2

    /// Where the adapters sit, ascending.
    public let sites: [Site]
    /// Rank and scale at each of them.
    public let kinds: [LoRA]
    /// Hex SHA-256 of the base.
    public let baseDigest: String
    /// A user's row of the sites' plan, `[parameters]`.
    public let parameters: [Float]

    private static let format = "attune.adapter.inner"

    /// Describes a file to be written.
    ///
    /// - Parameters:
    ///   - plan: LoRA at one product or more, and no head.
    ///   - parameters: `[plan.parameterCount]`.
    public init(_ plan: AdapterPlan, parameters: [Float], baseDigest: String) {
        (kinds, sites) = (plan.slots.compactMap { $0.kind as? LoRA }, plan.slots.map(\.site))
        precondition(
            plan.head == nil && plan.parameterCount == parameters.count && !sites.isEmpty && kinds.count == sites.count,
            "\(parameters.count) parameters of \(kinds.count) LoRA at \(sites.count) sites")
        (self.parameters, self.baseDigest) = (parameters, baseDigest)
    }

    /// The plan in the base that it fits.
    public func plan(_ configuration: TransformerConfiguration) -> AdapterPlan {
        AdapterPlan(configuration, Dictionary(uniqueKeysWithValues: zip(sites, kinds)))
    }

    /// The adapters, ready for one text at a time.
    public func bank(_ configuration: TransformerConfiguration) -> AdapterBank {
        var bank = AdapterBank(plan(configuration), users: 1)
        bank.parameters.copy(parameters.span)
        bank.textsOfUsers = [0, 1]
        return bank
    }

    /// The bytes; the same adapter gives the same bytes.
    public func encoded(_ configuration: TransformerConfiguration) -> [UInt8] {
        let isUniform = kinds.allSatisfy { $0 == kinds[0] }
        func text(_ value: (LoRA) -> String) -> String {
            (isUniform ? [kinds[0]] : kinds).map(value).joined(separator: " ")
        }
        var writer = SafetensorsWriter(metadata: [
            "format": Self.format, "version": isUniform ? "1" : "2", "kind": kinds[0].name,
            "sites": sites.map(\.description).joined(separator: " "), "rank": text { "\($0.rank)" },
            "alpha": text { "\($0.alpha)" },
            "rank_stabilized": text { "\($0.isRankStabilized)" }, "base": baseDigest,
        ])
        plan(configuration).write(MatrixView(rows: 1, columns: parameters.count, values: parameters), to: &writer)
        return writer.encoded()
    }

    /// Reads bytes that may come from anywhere.
    ///
    /// - Parameters:
    ///   - shape: of the base that it must fit.
    ///   - baseDigest: of that base.
    ///   - location: the file, for errors.
    /// - Throws: `adapter_malformed`, `payload_newer`, `base_mismatch`, and what the safetensors reader refuses.
    public init(
        decoding file: SafetensorsFile, for shape: TransformerConfiguration, baseDigest: String, at location: String
    ) throws {
        func malformed(_ reason: String) -> Problem {
            Problem(
                "adapter_malformed", at: location, reason, do: "fetch it again; if it stays so, adapt the user anew.")
        }
        let metadata = file.metadata
        guard metadata["format"] == Self.format, let version = metadata["version"].flatMap({ Int($0) }), version >= 1
        else { throw malformed("the metadata does not say format \(Self.format) and a version.") }
        guard version <= Self.version else {
            throw Problem(
                "payload_newer", at: location, "adapter version \(version), this attune reads up to \(Self.version).",
                do: "install the newer attune; nothing was changed.")
        }
        guard let base = metadata["base"] else { throw malformed("the base's digest is missing.") }
        guard base == baseDigest else {
            throw Problem(
                "base_mismatch", at: location,
                "it was made for base \(Problem.excerpt(base.prefix(8)))…, this one is \(baseDigest.prefix(8))….",
                do: "name the base it was made for, or adapt the user anew.")
        }
        let names = (metadata["sites"] ?? "").split(separator: " ")
        let sites = names.compactMap { Site(name: $0) }.filter { $0.place.isProjection && shape.has($0) }
        guard !sites.isEmpty, sites.count == names.count, Set(sites).count == sites.count else {
            throw malformed("its sites are not projections of the base, each named once.")
        }
        guard metadata["kind"] == "lora",
            let kinds = Self.kinds(metadata, count: sites.count, mayDiffer: version > 1)
        else { throw malformed("kind, rank, alpha or rank_stabilized is not what version \(version) has.") }
        let plan = AdapterPlan(shape, Dictionary(uniqueKeysWithValues: zip(sites, kinds)))
        let parameters = try plan.parameters(in: file)
        guard parameters.allSatisfy(\.isFinite) else { throw malformed("a parameter is not finite.") }
        self.init(plan, parameters: parameters, baseDigest: base)
    }

    /// The kinds at so many sites; nil where the metadata does not say them.
    private static func kinds(_ metadata: [String: String], count: Int, mayDiffer: Bool) -> [LoRA]? {
        func values<Value>(_ name: String, _ read: (Substring) -> Value?) -> [Value]? {
            let words = (metadata[name] ?? "").split(separator: " ", omittingEmptySubsequences: false)
            let values = words.compactMap(read)
            guard values.count == words.count else { return nil }
            if values.count == 1 { return [Value](repeating: values[0], count: count) }
            return mayDiffer && values.count == count ? values : nil
        }
        guard let ranks = values("rank", { Int($0) }), ranks.allSatisfy((1...65_536).contains),
            let alphas = values("alpha", { Float($0) }), alphas.allSatisfy(\.isFinite),
            let areStabilized = values("rank_stabilized", { Bool(String($0)) })
        else { return nil }
        return (0..<count).map {
            LoRA(rank: ranks[$0], alpha: alphas[$0], isRankStabilized: areStabilized[$0])
        }
    }
}
