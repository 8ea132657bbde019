import Logging
public import Queue

/// Keeps history as long as it is set to be kept, and no longer (QUEUE rule 13).
///
/// Each step is a row of small transactions and ends after a share of the time between steps, however much is left: what
/// waits to be removed never holds up what the leader does for the living.
public struct HistoryKeeper: Sendable {
    /// How much is done at a time.
    public struct Configuration: Sendable {
        /// Rows that one transaction looks at; default 5,000.
        public var rowsAtOnce = 5000
        /// Seconds that one duty may take in one step; default 0.3.
        public var secondsPerDuty = 0.3
        /// Jobs that may outlive a partition at most; with more it stays for another day. Default 100,000.
        public var mostStragglers = 100_000

        /// The defaults.
        public init() {}
    }

    /// What a step did.
    public struct Report: Sendable, Equatable {
        /// Partitions that were closed to new rows.
        public var closed = 0
        /// What became of the partition that goes next.
        public var departure = HistoryQueue.Departure.nothing
    }

    private let queue: HistoryQueue
    private let configuration: Configuration
    private let clock: any Clock<Duration>

    /// - Parameter clock: tells when a duty has had its share; tests pass one that stands still.
    public init(
        queue: HistoryQueue, configuration: Configuration = Configuration(),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.queue = queue
        self.configuration = configuration
        self.clock = clock
    }

    /// One step of every duty. Throws `deposed` when another leads.
    public func step(epoch: Int64) async throws -> Report {
        var report = Report()
        report.closed = try await queue.advance(epoch: epoch)
        for duty in HistoryQueue.Duty.allCases {
            try await share { try await queue.prune(duty, epoch: epoch, budget: configuration.rowsAtOnce) }
        }
        try await share {
            try await queue.walk(
                epoch: epoch, budget: configuration.rowsAtOnce, mostStragglers: configuration.mostStragglers)
        }
        report.departure = try await queue.drop(epoch: epoch)
        return report
    }

    /// Repeats `body` while it finds as much as it may look at, until the duty's share of time is used up.
    private func share(_ body: () async throws -> Int) async throws {
        func run<Chosen: Clock<Duration>>(_ clock: Chosen) async throws {
            let end = clock.now.advanced(by: .seconds(configuration.secondsPerDuty))
            while try await body() >= configuration.rowsAtOnce, clock.now < end {}
        }
        try await run(clock)
    }
}
