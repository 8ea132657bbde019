/// How many workers are wanted: enough to work off what waits in the target time, and what comes meanwhile as it comes.
///
/// A value without a clock: times are seconds of one that only rises. It rises at once, and falls only after fewer were
/// enough for a while, so that a lull does not end workers that the next minute needs.
public struct WorkerTarget: Sendable, Equatable {
    /// What it may be, and how fast it falls.
    public struct Limits: Sendable, Equatable {
        /// Seconds in which what waits is to be worked off.
        public var drainSeconds: Double
        /// Never below.
        public var least: Int
        /// Never above.
        public var most: Int
        /// Seconds for which fewer must have been enough before it falls.
        public var shrinkAfterSeconds: Double

        /// Makes limits.
        public init(drainSeconds: Double, least: Int, most: Int, shrinkAfterSeconds: Double) {
            self.drainSeconds = drainSeconds
            self.least = least
            self.most = most
            self.shrinkAfterSeconds = shrinkAfterSeconds
        }
    }

    /// The load it is decided from.
    public struct Load: Sendable, Equatable {
        /// Work that waits or is in hand, in milliseconds of a reference worker.
        public var backlogMilliseconds: Double
        /// Work that comes in, in milliseconds of a reference worker a millisecond.
        public var arrival: Double
        /// Mean speed of the workers, in the same unit.
        public var speedEach: Double
        /// Workers that live.
        public var live: Int

        /// Makes a load.
        public init(backlogMilliseconds: Double, arrival: Double, speedEach: Double, live: Int) {
            self.backlogMilliseconds = backlogMilliseconds
            self.arrival = arrival
            self.speedEach = speedEach
            self.live = live
        }
    }

    /// Workers wanted.
    public var desired: Int
    /// Workers that the load of now needs.
    public var needed: Int
    /// Since when fewer than `desired` have been enough; nil: they are not.
    public var lowerSince: Double?
    /// The most that was needed since then.
    public var mostSince: Int

    /// Starts from what was wanted before.
    public init(desired: Int, needed: Int = 0, lowerSince: Double? = nil, mostSince: Int = 0) {
        self.desired = desired
        self.needed = needed
        self.lowerSince = lowerSince
        self.mostSince = mostSince
    }

    /// Decides anew.
    public mutating func decide(_ load: Load, _ limits: Limits, at seconds: Double) {
        let rate = load.backlogMilliseconds / (limits.drainSeconds * 1000) + max(0, load.arrival)
        let workers = (rate / max(load.speedEach, 1e-6)).rounded(.up)
        // What waits needs somebody, however little it is.
        let enough = load.backlogMilliseconds > 0 ? max(1, workers) : workers
        needed = min(limits.most, max(limits.least, Int(min(enough, 1e9))))
        guard needed < desired else {
            (desired, lowerSince) = (needed, nil)
            return
        }
        mostSince = lowerSince == nil ? needed : max(mostSince, needed)
        let since = lowerSince ?? seconds
        lowerSince = since
        if seconds - since >= limits.shrinkAfterSeconds || desired > limits.most {
            (desired, lowerSince) = (min(limits.most, mostSince), mostSince > needed ? seconds : nil)
            mostSince = needed
        }
    }
}

/// Work that comes in, smoothed: what the backlog grew by, and what was done meanwhile.
public struct ArrivalRate: Sendable, Equatable {
    private var last: (backlog: Double, done: Double, at: Double)?
    /// Milliseconds of reference work a millisecond; 0 until two looks were taken.
    public private(set) var rate: Double

    /// Starts from a rate known before.
    public init(_ rate: Double = 0) { self.rate = rate }

    /// Takes a look: what waits, and what all workers together have done since any fixed time, in milliseconds of
    /// reference work. A look of the last minute counts as much as all before it. Sums that shrink, because workers have
    /// gone, tell nothing.
    public mutating func note(backlog: Double, done: Double, at seconds: Double) {
        defer { last = (backlog, done, seconds) }
        guard let last, seconds > last.at, done >= last.done else { return }
        let span = (seconds - last.at) * 1000
        let now = max(0, (backlog - last.backlog + done - last.done) / span)
        let weight = min(1, (seconds - last.at) / 60)
        rate += (now - rate) * weight
    }

    /// Whether both have seen the same.
    public static func == (one: ArrivalRate, other: ArrivalRate) -> Bool {
        one.rate == other.rate && one.last?.at == other.last?.at && one.last?.backlog == other.last?.backlog
            && one.last?.done == other.last?.done
    }
}
