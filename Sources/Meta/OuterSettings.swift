/// How the outer loop learns a rule. The defaults were chosen on cross-validated users of two rating sets (some 330
/// meta-users each): larger batches and fewer steps than one seed alone would want, six folded rules.
public struct OuterSettings: Sendable, Equatable {
    /// Inner steps of the rule; one beat three.
    public var innerSteps = 1
    /// Rules learned and folded into one; each picks its checkpoint on a part of the meta-users of its own.
    public var folds = 6
    /// Users of an outer step.
    public var usersPerStep = 64
    /// Parts that a step's users are cut into. Each part's gradient is computed by itself and they are added in their order, so
    /// that who computes which part changes no bit of the sum.
    public var shardsPerStep = 4
    /// Outer steps at most; learning also stops ``patience`` checkpoints after the best.
    public var maximumSteps = 500
    /// Outer steps between two checkpoints.
    public var stepsPerCheckpoint = 25
    /// Checkpoints without progress that end learning.
    public var patience = 3
    /// Support sizes drawn from, one a step.
    public var supportSizes = ScoringProtocol.supportSizes
    /// Query examples of an episode, at most.
    public var queryCount = 32
    /// How much of the objective is ranking loss rather than log loss; within `0...1`.
    public var rankingShare: Float = 0.5
    /// AdamW's rate for start and matrix.
    public var tensorRate: Float = 4e-4
    /// AdamW's rate for the few numbers that act on everything.
    public var scalarRate: Float = 1e-2
    /// The largest norm of a gradient.
    public var gradientNorm: Float = 1
    /// What unit-norm features are multiplied by while learning, so that logits are of order 1.
    public var featureScale: Float = 4
    /// Below this many meta-users `P` stays a multiple of the identity and the start the global head's.
    public var denseMinimumUsers = 100
    /// Seeds every draw.
    public var seed: UInt64 = 1

    /// The defaults.
    public init() {}
}

/// Where the outer loop stands, for a progress display.
public struct OuterProgress: Sendable, Equatable {
    /// The rule being learned, from 0.
    public var fold: Int
    /// Rules to learn.
    public var folds: Int
    /// Outer steps taken.
    public var step: Int
    /// Mean objective of the fold's checkpoint users, nats.
    public var loss: Double
    /// The best so far, and the one kept.
    public var bestLoss: Double
}
