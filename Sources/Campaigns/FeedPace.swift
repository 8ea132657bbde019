/// How many users a campaign may be ahead of the workers: about two seconds of what they get done, and no more than its
/// rate limit gives (QUEUE rule 23). Whoever comes meanwhile waits for no more than that.
public struct FeedPace: Sendable, Equatable {
    /// Seconds of work that may wait.
    public static let secondsAhead = 2.0
    /// Users ahead at most, whatever the workers get done.
    public static let mostUsers = 100_000.0

    /// Jobs that ended in a second, smoothed; nil before there is anything to say.
    public private(set) var rate: Double?
    /// Users that may wait or run.
    public private(set) var target = 0.0
    private var last: (ended: Int64, seconds: Double)?
    private var allowance = 0.0
    private var refilledAt: Double?

    /// A pace that knows nothing yet.
    public init() {}

    /// Compares what is known, for tests.
    public static func == (one: FeedPace, other: FeedPace) -> Bool {
        (one.rate, one.target, one.allowance) == (other.rate, other.target, other.allowance)
    }

    /// Learns how the campaign stands at `seconds` of a clock that only rises.
    ///
    /// - Parameters:
    ///   - ended: jobs of the campaign that have ended.
    ///   - ahead: jobs that wait or run.
    ///   - workers: workers that live: two chunks each may always wait, or a slow start would never end.
    ///   - rateLimit: users a second at most.
    public mutating func note(ended: Int64, ahead: Int64, workers: Int, rateLimit: Double?, at seconds: Double) {
        let floor = Double(max(1, workers)) * 200
        if let last, seconds - last.seconds > 0.2 {
            let now = max(0, Double(ended - last.ended)) / (seconds - last.seconds)
            rate = rate.map { 0.5 * $0 + 0.5 * now } ?? now
            // With nothing left to do the workers could have done more: what was seen is a lower bound.
            let isStarved = ahead == 0 && now > 0
            let wanted = Self.secondsAhead * (isStarved ? max(now, rate ?? now) : (rate ?? now))
            target = min(Self.mostUsers, max(floor, isStarved ? max(wanted, target * 1.5) : wanted))
            self.last = (ended, seconds)
        } else if last == nil {
            target = floor
            last = (ended, seconds)
        }
        if let rateLimit {
            allowance = min(
                max(1, rateLimit * Self.secondsAhead), allowance + rateLimit * (seconds - (refilledAt ?? seconds - 1)))
        } else {
            allowance = .infinity
        }
        refilledAt = seconds
    }

    /// Users that may be fed now.
    public func room(ahead: Int64) -> Int { Int(max(0, min(target - Double(ahead), allowance, Self.mostUsers))) }

    /// Remembers that users were fed.
    public mutating func spend(_ users: Int) { allowance -= Double(users) }
}
