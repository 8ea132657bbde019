/// Word from a worker.
public struct Heartbeat: Sendable, Equatable {
    /// The worker.
    public var workerID: Int64
    /// Rises whenever it gets anything done.
    public var progress: Int64
    /// Jobs that it holds.
    public var jobsInHand: Int32
    /// Their estimated work, in milliseconds of a reference worker.
    public var costInHandMilliseconds: Float
    /// What it did since it last told; nil: nothing that ended.
    public var work: WorkDone?

    /// Makes a heartbeat.
    public init(
        workerID: Int64, progress: Int64, jobsInHand: Int32, costInHandMilliseconds: Float = 0, work: WorkDone? = nil
    ) {
        self.workerID = workerID
        self.progress = progress
        self.jobsInHand = jobsInHand
        self.costInHandMilliseconds = costInHandMilliseconds
        self.work = work
    }
}

/// What a worker did in a span of time: what speed and the correction of estimates are learnt from.
public struct WorkDone: Sendable, Equatable {
    /// What was done for one tenant and kind.
    public struct Share: Sendable, Equatable {
        /// The tenant.
        public var tenantID: Int32
        /// The kind of its jobs.
        public var kind: String
        /// Estimates of the jobs done, in milliseconds of a reference worker.
        public var estimatedMilliseconds: Double
        /// Part of the busy time that went into them.
        public var tookMilliseconds: Double

        /// Makes a share.
        public init(tenantID: Int32, kind: String, estimatedMilliseconds: Double, tookMilliseconds: Double) {
            self.tenantID = tenantID
            self.kind = kind
            self.estimatedMilliseconds = estimatedMilliseconds
            self.tookMilliseconds = tookMilliseconds
        }
    }

    /// Length of the span.
    public var spanMilliseconds: Double
    /// The part of it in which the worker had work in hand.
    public var busyMilliseconds: Double
    /// What was done; together they took the busy time.
    public var shares: [Share]

    /// Makes a report.
    public init(spanMilliseconds: Double, busyMilliseconds: Double, shares: [Share]) {
        self.spanMilliseconds = spanMilliseconds
        self.busyMilliseconds = busyMilliseconds
        self.shares = shares
    }
}

/// What the answer to a heartbeat says.
public struct WorkerOrders: Sendable, Equatable {
    /// What it is to do.
    public var state: WorkerState
    /// How long its lease now lasts.
    public var leaseSeconds: Int
    /// The lanes that it owns.
    public var lanes: [Int32]
    /// Whether a scheduler gives out lanes; without one, workers adopt them.
    public var hasLeader: Bool
    /// Milliseconds of reference work it does in a millisecond, smoothed; nil until measured.
    public var speed: Float?
    /// When the server started, in seconds since 1970; another value than before: it may have lost claims.
    public var serverStart: Double?

    /// Makes orders; stores do.
    public init(
        state: WorkerState, leaseSeconds: Int, lanes: [Int32], hasLeader: Bool, speed: Float? = nil,
        serverStart: Double? = nil
    ) {
        self.state = state
        self.leaseSeconds = leaseSeconds
        self.lanes = lanes
        self.hasLeader = hasLeader
        self.speed = speed
        self.serverStart = serverStart
    }
}

/// What waits in a lane.
public struct LaneSample: Sendable, Equatable {
    /// The lane.
    public var lane: Int32
    /// Jobs that wait.
    public var waiting: Int64
    /// Their work, in milliseconds of a reference worker: estimates, corrected by what jobs of their tenants really took.
    public var costMilliseconds: Double
    /// Whether all were counted; else the first are, and the rest is extrapolated.
    public var isExact: Bool

    /// Makes a sample; stores do.
    public init(lane: Int32, waiting: Int64, costMilliseconds: Double, isExact: Bool) {
        self.lane = lane
        self.waiting = waiting
        self.costMilliseconds = costMilliseconds
        self.isExact = isExact
    }
}
