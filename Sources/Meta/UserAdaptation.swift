public import Adapters

/// What adapting one user at the pooled output came to.
public typealias UserAdaptation = Adaptation<HeadDelta>

/// What adapting one user came to, whatever kind of adapter it makes.
public struct Adaptation<Delta: Sendable & Equatable>: Sendable, Equatable {
    /// Whether something is published.
    public enum Verdict: Sendable, Equatable {
        /// Publish this difference to the rule's start.
        case adapted(Delta)
        /// Publish nothing; what the user had stays.
        case kept(KeptReason)
    }

    /// The decision.
    public var verdict: Verdict
    /// Examples it was fitted on.
    public var examples: Int
    /// Inner steps run.
    public var steps: Int
    /// Rows, coefficients or groups of entries stored; 0 when kept.
    public var rows: Int
    /// Mean log loss of the support under what serves users without an adapter, nats.
    public var lossBefore: Float
    /// The same under the adapter; a head's is taken before it is rounded to what is stored.
    public var lossAfter: Float
    /// What the guard saw; nil when it was off or could not judge.
    public var leaveOut: LeaveOutLosses?

    /// The difference to publish, if any.
    public var delta: Delta? {
        guard case .adapted(let delta) = verdict else { return nil }
        return delta
    }

    /// The same with the difference put otherwise.
    public func map<Other>(_ transform: (Delta) -> Other) -> Adaptation<Other> {
        let verdict: Adaptation<Other>.Verdict =
            switch verdict {
            case .adapted(let delta): .adapted(transform(delta))
            case .kept(let reason): .kept(reason)
            }
        return Adaptation<Other>(
            verdict: verdict, examples: examples, steps: steps, rows: rows, lossBefore: lossBefore,
            lossAfter: lossAfter, leaveOut: leaveOut)
    }
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

/// Mean log losses of the support's examples, nats, each scored by what was fitted without it.
public struct LeaveOutLosses: Sendable, Equatable {
    /// Under what serves users without an adapter.
    public var start: Float
    /// Under what was fitted on the other examples.
    public var adapted: Float
}

extension GuardSettings {
    /// Why an adaptation may not be published; nil where it may (I9).
    ///
    /// - Parameter losses: what leaving examples out showed; nil below ``minimumExamples``.
    func refusal(_ losses: LeaveOutLosses?) -> KeptReason? {
        guard let losses else { return smallSupportGain > 0 ? nil : .tooFewExamples }
        // Written so that a loss that is not a number refuses too.
        if losses.adapted <= losses.start + tolerance { return nil }
        return losses.adapted.isFinite ? .guardRejected : .notFinite
    }
}
