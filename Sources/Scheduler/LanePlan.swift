public import Queue

/// Which lanes move to whom: a pure function of what waits in the lanes, who owns them, and how fast the workers are.
///
/// It makes the largest finish time small with few moves. Lanes whose owner is gone are given out at once. While the
/// others finish within a margin of the best possible, nothing else moves (hysteresis); past it, or when a worker has less
/// than half of its share, one that has just joined above all, each worker above the aim gives up the fewest lanes that
/// bring it there, and all lanes in hand go, the costliest first, to whoever has most room below the aim. A lane that
/// fits nowhere is exchanged for a lighter one. Workers that still have far less than they could are filled up from those
/// that finish last. No lane moves twice, none moves soon after a move, and a move that brings no worker nearer to the
/// best is not made.
public struct LanePlan: Sendable {
    /// When to move, and how far to go.
    public struct Rules: Sendable {
        /// Lanes move when the largest finish time is above the best possible by this share; default 0.15.
        public var startsAbove = 0.15
        /// Then they move until it is within this share; default 0.048. A nearer aim is dearer in moves: what is left to each
        /// worker is the room in which heavy lanes find a place.
        public var aimsWithin = 0.048
        /// And only if the finish is nearer by this share then; default 0.03.
        public var worthwhile = 0.03
        /// A worker with less than this share of what it could have is filled up; default 0.5.
        public var starvesBelow = 0.5
        /// Seconds after a move in which a lane stays with a worker that lives; default 10: two heartbeats, so that the
        /// new owner has heard of it and its samples tell.
        public var restSeconds = 10.0
        /// Work that is to come, as seconds of all workers together, spread evenly over the lanes; default 2. It makes
        /// the counts of idle lanes even, and differences of a few seconds not worth a move.
        public var calmSeconds = 2.0

        /// The defaults.
        public init() {}
    }

    /// Moves that a tick makes at most: each is an update of a row.
    public static let movesPerTick = 20_000

    /// The moves, those of lanes without a living owner first.
    public var moves: [LaneMove] = []
    /// The best possible finish time for these lanes and workers.
    public var bound = FinishBound(seconds: 0, term: .totalWork)
    /// Seconds until the last worker is done, as it is; what nobody owns left out.
    public var finishBefore = 0.0
    /// Seconds until the last worker is done, once the moves are made.
    public var finishAfter = 0.0

    /// Moves nothing.
    public init() {}

    /// Makes the plan. Without workers nothing moves.
    public static func make(lanes: [LaneLoad], workers: [WorkerLoad], rules: Rules = Rules()) -> LanePlan {
        guard !workers.isEmpty, !lanes.isEmpty else { return LanePlan() }
        var fleet = Fleet(lanes: lanes, workers: workers, rules: rules)
        var plan = LanePlan()
        plan.bound = fleet.bound
        plan.finishBefore = fleet.finish
        let orphans = fleet.orphans
        let best = fleet.bound.seconds
        let aim = best * (1 + rules.aimsWithin)
        // A worker that has just joined is a reason as well: lanes move then in any case.
        let isUneven =
            plan.finishBefore > best * (1 + rules.startsAbove)
            || (plan.finishBefore * (1 - rules.worthwhile) > aim && fleet.hasStarved)
        let even = isUneven ? fleet.rebalanced(orphans, to: aim) : nil
        // Coarse lanes may be as even as they get: moving them about would change nothing.
        if let even, even.finish < plan.finishBefore * (1 - rules.worthwhile) {
            fleet = even
        } else {
            fleet.place(orphans, below: aim)
        }
        fleet.fillStarved()
        plan.finishAfter = fleet.finish
        plan.moves = fleet.moves
        return plan
    }
}

/// The least time in which any assignment of lanes can be done, and what makes it so.
public struct FinishBound: Sendable, Equatable {
    /// What binds.
    public enum Term: String, Sendable {
        /// All work over all speeds.
        case totalWork = "total work / total speed"
        /// The largest lane on the fastest worker.
        case largestLane = "largest lane / fastest worker"
    }

    /// Seconds.
    public var seconds: Double
    /// The larger of the two.
    public var term: Term

    /// Makes a bound.
    public init(seconds: Double, term: Term) {
        self.seconds = seconds
        self.term = term
    }

    /// The bound of these lanes' costs, in milliseconds of a reference worker, on these speeds.
    public init(costs: some Sequence<Double>, inHand: Double = 0, speeds: [Double]) {
        var (total, largest) = (inHand, 0.0)
        for cost in costs { (total, largest) = (total + cost, max(largest, cost)) }
        let even = total / max(speeds.reduce(0, +), .leastNormalMagnitude) / 1000
        let alone = largest / max(speeds.max() ?? 0, .leastNormalMagnitude) / 1000
        self =
            even >= alone
            ? FinishBound(seconds: even, term: .totalWork) : FinishBound(seconds: alone, term: .largestLane)
    }
}
