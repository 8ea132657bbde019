public import Adapters
import Tensor

/// What users of a sparse delta store of their movement.
public struct SparseStorage: Sendable, Equatable {
    /// The entries' groups, kept or left together: each entry alone, or whole rows.
    public let groups: EntryGroups
    /// Groups that a user keeps, those that have moved farthest: learned gates beat magnitude at equal bytes nowhere yet.
    public let keptGroups: Int
    /// How entries are rounded.
    public let entries: SparseUserDelta.Precision
    /// How the head is rounded.
    public let head: SparseUserDelta.Precision

    /// States what is stored.
    public init(
        groups: EntryGroups, keptGroups: Int, entries: SparseUserDelta.Precision = .int8,
        head: SparseUserDelta.Precision = .int8
    ) {
        precondition((0...groups.count).contains(keptGroups), "\(keptGroups) of \(groups.count) groups")
        (self.groups, self.keptGroups, self.entries, self.head) = (groups, keptGroups, entries, head)
    }
}

/// How jobs adapt users inside an encoder: a rule of sparse deltas and a head, what users store, and when it is published.
///
/// With `w` the user's row of the plan after all steps, `w0` that of everybody without an adapter (no delta, the head without data)
/// and `s` ``AdaptationSettings/scale``, the user is served by `w0 + s (w - w0)`: a share of the way, as heads are (Wortsman et al.
/// 2022 for whole models). Stored is `s (w - start)`, rounded, of the groups that moved farthest.
public struct SparseRule: Sendable {
    /// Start, rates and budget.
    public let rule: EncoderRule
    /// What is stored.
    public let storage: SparseStorage
    /// Examples, share and guard of a job; its steps are the rule's.
    public let settings: AdaptationSettings
    /// The row of everybody without an adapter, `[rule.plan.parameterCount]`.
    let general: [Float]
    /// What stored differences are added to.
    let published: EncoderRule
    /// What users' bytes are read with.
    public let shape: SparseUserDelta.Shape

    /// Puts a rule of sparse deltas together with what a job has to know besides.
    ///
    /// - Parameter withoutData: the head of users without an adapter, over the same output without any delta.
    public init(_ rule: EncoderRule, _ storage: SparseStorage, withoutData: LinearHead, _ settings: AdaptationSettings)
    {
        (self.rule, self.storage, self.settings) = (rule, storage, settings)
        var random = RandomSource(seed: 0)
        let general = EncoderRule.start(of: rule.plan, head: withoutData, &random)
        var published = rule
        published.start = zip(rule.start, general).map { settings.scale * $0 + (1 - settings.scale) * $1 }
        (self.general, self.published) = (general, published)
        shape = rule.plan.deltaShape(storage.groups)
    }
}

extension EncoderAdaptation {
    /// Parts of a support that are left out in turn.
    private static let leaveOutFolds = 4

    /// Adapts one user as a job does: all steps on the newest examples, rounded to what is stored, and whether that may be published.
    ///
    /// The guard leaves out what ``LeaveOutGuard`` does, a positive with a negative, but up to a quarter of the pairs together, as
    /// a step here costs thousands of times one over pooled features: four fits instead of as many as there are pairs. Fits on
    /// three quarters of the examples are worse than on nearly all, so that it errs towards keeping what the user had.
    ///
    /// - Parameter user: of distinct texts' numbers.
    public mutating func adaptation(of user: UserSupport, with job: SparseRule) -> Adaptation<SparseUserDelta> {
        let support = user.newest(job.settings.maximumExamples)
        let before = losses(of: support, for: nil, with: job)
        let delta = fitted(to: support, with: job)
        let after = delta.map { losses(of: support, for: $0, with: job) } ?? []
        var adaptation = Adaptation<SparseUserDelta>(
            verdict: .kept(.notFinite), examples: support.count, steps: job.rule.logRates.count, rows: 0,
            lossBefore: Self.mean(before), lossAfter: delta == nil ? .nan : Self.mean(after))
        if let guarding = job.settings.guarding {
            if support.count >= guarding.minimumExamples {
                adaptation.leaveOut = leaveOut(of: support, before: before, with: job)
            }
            if let refusal = guarding.refusal(adaptation.leaveOut) {
                adaptation.verdict = .kept(refusal)
                return adaptation
            }
        }
        guard let delta, adaptation.lossAfter.isFinite else { return adaptation }
        adaptation.verdict = .adapted(delta)
        adaptation.rows = delta.kept.count(where: \.self)
        return adaptation
    }

    /// The scores of texts for a user.
    ///
    /// - Parameter delta: what the user stores; nil: the head of everybody without an adapter.
    public mutating func logits(of rows: [Int32], for delta: SparseUserDelta?, with job: SparseRule) -> [Float] {
        if let delta { restore(delta, with: job.published) } else { parameters.copy(job.general.span) }
        return logits(of: rows)
    }

    /// All steps, rounded to what is stored; nil where a number is not finite.
    private mutating func fitted(to support: UserSupport, with job: SparseRule) -> SparseUserDelta? {
        adapt(to: support, with: job.rule)
        let scale = job.settings.scale
        let entries = movedEntries(from: job.rule).map { $0 * scale }
        let head = movedHead(from: job.rule).map { $0 * scale }
        let kept = SparseDelta.largest(job.storage.keptGroups, of: job.storage.groups.norms(of: entries))
        return SparseUserDelta(
            rounding: entries, kept: kept, head: head.dropLast(), bias: head[head.count - 1],
            (job.storage.entries, job.storage.head), job.shape)
    }

    private mutating func losses(of support: UserSupport, for delta: SparseUserDelta?, with job: SparseRule) -> [Float]
    {
        zip(logits(of: support.rows, for: delta, with: job), support.labels).map { logLoss(logit: $0, label: $1) }
    }

    /// The mean over the guard's pairs, each scored by what was fitted without its part of them.
    private mutating func leaveOut(of support: UserSupport, before: [Float], with job: SparseRule) -> LeaveOutLosses {
        let pairs = LeaveOutGuard.heldOut(labels: support.labels)
        var losses = LeaveOutLosses(start: 0, adapted: 0)
        for fold in 0..<min(Self.leaveOutFolds, pairs.count) {
            let own = stride(from: fold, to: pairs.count, by: Self.leaveOutFolds).map { pairs[$0] }
            let held = Set(own.joined())
            guard let delta = fitted(to: support.keeping { !held.contains($0) }, with: job) else {
                losses.adapted = .nan
                return losses
            }
            let scored = held.sorted()
            let after = Dictionary(
                uniqueKeysWithValues: zip(
                    scored, self.losses(of: support.keeping(held.contains), for: delta, with: job)))
            for pair in own {
                for example in pair {
                    let weight = 1 / Float(pair.count * pairs.count)
                    losses.start += weight * before[example]
                    losses.adapted += weight * (after[example] ?? .nan)
                }
            }
        }
        return losses
    }

    private static func mean(_ losses: [Float]) -> Float { losses.reduce(0, +) / Float(max(losses.count, 1)) }
}

extension UserSupport {
    /// The newest examples.
    func newest(_ limit: Int) -> UserSupport { keeping { $0 >= count - limit } }

    /// The examples whose index is chosen, in their order.
    func keeping(_ isKept: (Int) -> Bool) -> UserSupport {
        let chosen = rows.indices.filter(isKept)
        return UserSupport(rows: chosen.map { rows[$0] }, labels: chosen.map { labels[$0] })
    }
}
