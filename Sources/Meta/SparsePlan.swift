public import Adapters
public import Model
import Tensor

/// A sparse delta at one site of an encoder and a head, its support and the groups of its rows chosen on meta-users.
public struct SparsePlan: Sendable {
    /// Where it sits and how large it is.
    public struct Settings: Sendable, Equatable {
        /// Where.
        public var site: Site
        /// Entries of the shared support; no more than the site's matrix has.
        public var entries = 2048
        /// Groups of rows, of which gates choose.
        public var groups = 16
        /// How the support is chosen.
        public var choice = SparseChoice.agreement
        /// Seeds what is drawn.
        public var seed: UInt64 = 1

        /// The defaults at a site.
        public init(_ site: Site) { self.site = site }
    }

    /// The delta and a head of one score.
    public let plan: AdapterPlan
    /// Whole rows, those whose entries promise most first.
    public let groups: EntryGroups

    /// Asks meta-users' gradients.
    ///
    /// - Parameters:
    ///   - users: those of them that the protocol could score are asked.
    ///   - pooled: where heads start and how they move.
    ///   - threads: that compute; the result does not depend on how many.
    public init(
        _ settings: Settings, _ texts: EncoderTexts, _ users: [MetaUser], _ pooled: PreconditionedRule, threads: Int
    ) {
        let gradients = EntryGradients(at: settings.site, texts, users, pooled, threads: threads)
        var random = RandomSource(seed: settings.seed)
        let entries = min(settings.entries, gradients.square.values.count)
        let support = settings.choice.support(entries, of: gradients, &random)
        plan = AdapterPlan(
            texts.transformer.configuration, [settings.site: SparseDelta(support)], head: .binary)
        let gains = gradients.gains
        var worth = [Float](repeating: 0, count: gains.rows)
        for (row, column) in zip(support.rows, support.columns) { worth[Int(row)] += gains[Int(row), Int(column)] }
        groups = .rows(support.rows, count: min(settings.groups, Set(support.rows).count)) { worth[Int($0)] }
    }
}
