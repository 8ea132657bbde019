import Synchronization

/// The stages a delivery passes through, in order.
public enum Stage: String, Sendable, CaseIterable, Codable {
    case claim, fetch, embed, adapt, judge, encode, upload, publish
}

/// How many users passed each stage and how long it was busy with them.
public final class StageClock: Sendable {
    /// One stage's sum.
    public struct Sum: Sendable, Equatable, Codable {
        /// Users that passed.
        public var users = 0
        /// Seconds of wall time in which the stage worked, summed over what it did at the same time.
        public var busySeconds = 0.0

        /// Nothing yet.
        public init() {}
    }

    private let sums = Mutex<[Stage: Sum]>([:])

    /// Starts at zero.
    public init() {}

    /// Every stage's sum so far.
    public var totals: [Stage: Sum] { sums.withLock { $0 } }

    /// Runs one stage of a delivery and returns its result with the milliseconds it took.
    func time<Result>(
        _ stage: Stage, users: (Result) -> Int, _ body: () async throws -> Result
    ) async rethrows -> (result: Result, milliseconds: Int32) {
        let clock = ContinuousClock()
        let start = clock.now
        let result = try await body()
        let seconds = (clock.now - start).seconds
        sums.withLock { sums in
            sums[stage, default: Sum()].users += users(result)
            sums[stage, default: Sum()].busySeconds += seconds
        }
        return (result, Int32((seconds * 1000).rounded()))
    }
}

extension Duration {
    /// The whole span in seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
