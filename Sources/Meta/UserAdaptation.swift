public import Adapters

/// What adapting one user came to.
public struct UserAdaptation: Sendable, Equatable {
    /// Whether something is published.
    public enum Verdict: Sendable, Equatable {
        /// Publish this difference to the rule's start head.
        case adapted(HeadDelta)
        /// Publish nothing; what the user had stays.
        case kept(KeptReason)
    }

    /// Why nothing is published.
    public enum KeptReason: String, Sendable, Equatable {
        /// The leave-out loss was worse than the start's.
        case guardRejected = "guard_rejected"
        /// Too few examples to judge, and the recipe's validated gain at so few is not positive.
        case tooFewExamples = "too_few_examples"
        /// A number stopped being finite.
        case notFinite = "not_finite"
    }

    /// The decision.
    public var verdict: Verdict
    /// Examples it was fitted on.
    public var examples: Int
    /// Inner steps run.
    public var steps: Int
    /// Rows or coefficients stored; 0 when kept.
    public var rows: Int
    /// Mean log loss of the support under the rule's start, nats.
    public var lossBefore: Float
    /// The same under the adapted head, before it is rounded to what is stored.
    public var lossAfter: Float
    /// What the guard saw; nil when it was off or could not judge.
    public var leaveOut: LeaveOutLosses?

    /// The difference to publish, if any.
    public var delta: HeadDelta? {
        guard case .adapted(let delta) = verdict else { return nil }
        return delta
    }
}

/// Mean log losses of the support's examples, nats, each scored by a head fitted without it.
public struct LeaveOutLosses: Sendable, Equatable {
    /// Under the rule's start.
    public var start: Float
    /// Under the heads fitted on the other examples.
    public var adapted: Float
}
