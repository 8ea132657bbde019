public import Model
import Problem
public import Safetensors
import Tensor

/// A user's low-rank adapters inside a base, as one safetensors file.
///
/// Tensors: each parameter in f32 under `SITE.PARAMETER`, for example `3.q.A` `[rank, inputs]` and `3.q.B` `[outputs, rank]`.
/// With x what the site's product reads, the site's output gains `scale (x Aᵀ) Bᵀ`. Metadata: `format`
/// (`attune.adapter.inner`), `version` (readers refuse a newer one), `kind` (`lora`), `rank`, `alpha`, `rank_stabilized`
/// (whether the scale is `alpha / sqrt(rank)` rather than `alpha / rank`), `sites` (separated by spaces) and `base`, the
/// digest of what it fits: nothing else.
public struct LoRAFile: Sendable, Equatable {
    /// The newest version this code reads and the one it writes.
    public static let version = 1

    /// Rank and scale.
    public let kind: LoRA
    /// Where they sit, ascending.
    public let sites: [Site]
    /// Hex SHA-256 of the base.
    public let baseDigest: String
    /// A user's row of the sites' plan, `[parameters]`.
    public let parameters: [Float]

    private static let format = "attune.adapter.inner"

    /// Describes a file to be written.
    ///
    /// - Parameters:
    ///   - plan: the kind at some sites, and no head.
    ///   - parameters: `[plan.parameterCount]`.
    public init(_ kind: LoRA, _ plan: AdapterPlan, parameters: [Float], baseDigest: String) {
        precondition(
            plan.head == nil && plan.parameterCount == parameters.count
                && plan.slots.allSatisfy { $0.kind as? LoRA == kind },
            "\(parameters.count) parameters of a plan of \(plan.parameterCount)")
        (self.kind, self.parameters, self.baseDigest) = (kind, parameters, baseDigest)
        sites = plan.slots.map(\.site)
    }

    /// The plan in the base that it fits.
    public func plan(_ configuration: TransformerConfiguration) -> AdapterPlan {
        AdapterPlan(configuration, Dictionary(uniqueKeysWithValues: sites.map { ($0, kind) }))
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
        var writer = SafetensorsWriter(metadata: [
            "format": Self.format, "version": String(Self.version), "kind": kind.name, "rank": String(kind.rank),
            "alpha": String(kind.alpha), "rank_stabilized": String(kind.isRankStabilized),
            "sites": sites.map(\.description).joined(separator: " "), "base": baseDigest,
        ])
        plan(configuration).write(MatrixView(rows: 1, columns: parameters.count, values: parameters), to: &writer)
        return writer.encoded()
    }

    /// Reads bytes that may come from anywhere.
    ///
    /// - Parameters:
    ///   - transformer: the base it must fit.
    ///   - location: the file, for errors.
    /// - Throws: `adapter_malformed`, `payload_newer`, `base_mismatch`, and what the safetensors reader refuses.
    public init(decoding file: SafetensorsFile, for transformer: Transformer, at location: String) throws {
        func malformed(_ reason: String) -> Problem {
            Problem(
                "adapter_malformed", at: location, reason, do: "fetch it again; if it stays so, adapt the user anew.")
        }
        let metadata = file.metadata
        guard metadata["format"] == Self.format, let version = metadata["version"].flatMap({ Int($0) }) else {
            throw malformed("the metadata does not say format \(Self.format) and a version.")
        }
        guard version <= Self.version else {
            throw Problem(
                "payload_newer", at: location, "adapter version \(version), this attune reads up to \(Self.version).",
                do: "install the newer attune; nothing was changed.")
        }
        guard metadata["kind"] == "lora", let rank = metadata["rank"].flatMap({ Int($0) }), (1...65_536).contains(rank),
            let alpha = metadata["alpha"].flatMap({ Float($0) }), alpha.isFinite,
            let isRankStabilized = metadata["rank_stabilized"].flatMap({ Bool($0) })
        else { throw malformed("kind, rank, alpha or rank_stabilized is not what version \(version) has.") }
        guard let base = metadata["base"] else { throw malformed("the base's digest is missing.") }
        guard base == transformer.digest else {
            throw Problem(
                "base_mismatch", at: location,
                "it was made for base \(Problem.excerpt(base.prefix(8)))…, this one is \(transformer.digest.prefix(8))….",
                do: "name the base it was made for, or adapt the user anew.")
        }
        kind = LoRA(rank: rank, alpha: alpha, isRankStabilized: isRankStabilized)
        let configuration = transformer.configuration
        let named = (metadata["sites"] ?? "").split(separator: " ").map { Site(name: $0) }
        sites = named.compactMap(\.self).filter { $0.place.isProjection && configuration.has($0) }.sorted()
        guard !sites.isEmpty, sites.count == named.count, Set(sites).count == sites.count else {
            throw malformed("its sites are not projections of the base, each named once.")
        }
        baseDigest = base
        let plan = AdapterPlan(configuration, Dictionary(uniqueKeysWithValues: sites.map { [kind] in ($0, kind) }))
        let row = MatrixView(rows: 1, columns: plan.parameterCount)
        try plan.read(file, into: row)
        parameters = row.values
        guard parameters.allSatisfy(\.isFinite) else { throw malformed("a parameter is not finite.") }
    }
}
