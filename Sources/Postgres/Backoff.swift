/// When to try again: delays that double up to a limit, each cut by a random part so that many clients spread out.
///
/// A pure value: the caller sleeps, and hands in the random numbers.
public struct Backoff: Sendable, Equatable {
    /// Tries in all, the first included; 1 or more.
    public var tries: Int
    /// The delay before the second try, in seconds.
    public var firstDelaySeconds: Double
    /// The longest delay, in seconds.
    public var longestDelaySeconds: Double
    /// The share of each delay that is drawn at random, from 0 (none) to 1 (all of it).
    public var jitter: Double

    /// Makes a policy.
    public init(tries: Int, firstDelaySeconds: Double, longestDelaySeconds: Double, jitter: Double = 0.5) {
        self.tries = tries
        self.firstDelaySeconds = firstDelaySeconds
        self.longestDelaySeconds = longestDelaySeconds
        self.jitter = jitter
    }

    /// One try.
    public static let none = Backoff(tries: 1, firstDelaySeconds: 0, longestDelaySeconds: 0)
    /// For connecting: 12 tries in about a minute, which outlasts a restart of the server.
    public static let connecting = Backoff(tries: 12, firstDelaySeconds: 0.2, longestDelaySeconds: 10)
    /// For a transaction undone by concurrency: the other one has gone by then.
    public static let transaction = Backoff(tries: 5, firstDelaySeconds: 0.005, longestDelaySeconds: 0.1, jitter: 1)

    /// Seconds to wait after `failures` (1 or more) tries have failed, or nil when there is no try left.
    public func delaySeconds(
        afterFailures failures: Int, random: inout some RandomNumberGenerator
    ) -> Double? {
        guard failures < tries else { return nil }
        // 2^30 times any first delay is past every limit; a larger exponent would only overflow.
        let doubled = firstDelaySeconds * Double(1 << min(failures - 1, 30))
        let delay = min(doubled, longestDelaySeconds)
        return delay * (1 - jitter * Double.random(in: 0..<1, using: &random))
    }
}
