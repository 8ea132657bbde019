public import Adapters
public import Meta
public import Model
public import Problem
public import Tensor

/// The part of a recipe inside the encoder: a sparse delta at one site that all users share the support of, where they start on
/// it, how they step, and what they store.
///
/// It knows no base but by channels: ``rule(in:for:at:)`` puts it into one.
public struct SparsePart: Sendable, Equatable {
    /// Where the delta sits.
    public let site: Site
    /// Its entries.
    public let support: SparseSupport
    /// What users store of it.
    public let storage: SparseStorage
    /// The values of the entries, then the head's weights and its bias: `[entries + width + 1]`.
    public let start: [Float]
    /// Of entries, weights and bias, `[steps][3]`.
    public let logRates: [[Float]]
    /// How rates grow with the support.
    public let supportExponent: Float
    /// Entries that a user may move off the start; nil: all.
    public let entryBudget: Int?

    /// Tensors that have a rate: the entries, the head's weights, its bias.
    static let ratesOfStep = 3

    init(
        site: Site, support: SparseSupport, storage: SparseStorage, start: [Float], logRates: [[Float]],
        supportExponent: Float, entryBudget: Int?
    ) {
        (self.site, self.support, self.storage, self.start) = (site, support, storage, start)
        (self.logRates, self.supportExponent, self.entryBudget) = (logRates, supportExponent, entryBudget)
    }

    /// What was learned of a rule; its preconditioner is the recipe's.
    ///
    /// - Parameter rule: of one sparse delta and a head of one score.
    public init(_ rule: EncoderRule, _ storage: SparseStorage) {
        guard rule.plan.slots.count == 1, let kind = rule.plan.slots[0].kind as? SparseDelta, rule.plan.head == .binary
        else { preconditionFailure("a rule of one sparse delta and a head of one score") }
        precondition(storage.groups.groupOfEntry.count == kind.support.count, "groups of other entries")
        self.init(
            site: rule.plan.slots[0].site, support: kind.support, storage: storage, start: rule.start,
            logRates: rule.logRates, supportExponent: rule.supportExponent, entryBudget: rule.entryBudget)
    }

    /// Features of the base.
    public var width: Int { start.count - support.count - 1 }
    /// What users' bytes are read with.
    public var shape: SparseUserDelta.Shape { .init(groups: storage.groups, width: width) }

    /// How jobs adapt in a base.
    ///
    /// - Parameters:
    ///   - recipe: whose part this is.
    ///   - configuration: of the base.
    ///   - location: the recipe or whose job it is, for errors.
    /// - Throws: `base_mismatch` where the base has no such site.
    public func rule(
        in recipe: Recipe, for configuration: TransformerConfiguration, at location: String
    ) throws(Problem) -> SparseRule {
        guard configuration.family == .bert, configuration.width == width, configuration.has(site),
            configuration.channels(at: site) == (support.inputs, support.outputs)
        else {
            throw Problem(
                "base_mismatch", at: location,
                "recipe \(recipe.name) adapts \(support.inputs) to \(support.outputs) channels at \(site) of an encoder of "
                    + "\(width) features, which this base has not.",
                do: "activate a recipe of this base, or meta-train one.")
        }
        let plan = AdapterPlan(configuration, [site: SparseDelta(support)], head: .binary)
        return SparseRule(
            EncoderRule(
                plan, start: start, logRates: logRates, supportExponent: supportExponent,
                preconditioner: recipe.rule.preconditioner, entryBudget: entryBudget), storage,
            withoutData: recipe.headWithoutData, recipe.settings)
    }
}
