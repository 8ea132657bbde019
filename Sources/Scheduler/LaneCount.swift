/// When there are too few lanes for the workers, and how many there should be: with few lanes a worker, loads cannot be made
/// even, and beyond one each a worker has none.
///
/// A value without a clock: times are seconds of one that only rises.
public struct LaneCount: Sendable, Equatable {
    /// There can be no more.
    public static let most = 65_536
    /// Seconds for which lanes must have been too few.
    public static let settleSeconds = 60.0

    /// Since when there have been too few; nil: there are enough.
    public private(set) var shortSince: Double?
    /// The fewest workers seen since then.
    private var fewest = 0

    /// Knows nothing yet.
    public init() {}

    /// The number to raise to: the next power of two of `perWorker` for each worker; nil: leave it.
    ///
    /// It is raised once there have been fewer than half as many for a minute, so that at most every doubling of the fleet
    /// makes new lanes, and workers that come and go meanwhile do not count.
    /// - Parameters:
    ///   - lanes: those that new chunks are spread over.
    ///   - live: workers that live.
    ///   - perWorker: 0 leaves the lanes alone.
    public mutating func raised(lanes: Int, live: Int, perWorker: Int, at seconds: Double) -> Int? {
        guard 2 * lanes < live * perWorker, lanes < Self.most else {
            shortSince = nil
            return nil
        }
        fewest = shortSince == nil ? live : min(fewest, live)
        let since = shortSince ?? seconds
        shortSince = since
        guard seconds - since >= Self.settleSeconds else { return nil }
        shortSince = nil
        var count = 1
        while count < fewest * perWorker, count < Self.most { count *= 2 }
        return count > lanes ? count : nil
    }
}
