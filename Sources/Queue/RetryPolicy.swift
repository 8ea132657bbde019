/// When a failed job runs again: a pure function of its tries and a seed.
public struct RetryPolicy: Sendable, Equatable {
    /// Tries in all, 1 or more; a job that has failed that often is discarded.
    public var maximumTries: Int
    /// Delay after the first failure, in seconds.
    public var firstDelaySeconds: Double
    /// No delay is longer, in seconds.
    public var longestDelaySeconds: Double
    /// Share of each delay that the seed decides, 0 to 1.
    public var jitter: Double

    /// Makes a policy; as it stands it tries eight times over some four minutes.
    public init(
        maximumTries: Int = 8, firstDelaySeconds: Double = 2, longestDelaySeconds: Double = 600, jitter: Double = 0.5
    ) {
        precondition(maximumTries >= 1 && firstDelaySeconds >= 0 && longestDelaySeconds >= firstDelaySeconds)
        precondition((0...1).contains(jitter))
        self.maximumTries = maximumTries
        self.firstDelaySeconds = firstDelaySeconds
        self.longestDelaySeconds = longestDelaySeconds
        self.jitter = jitter
    }

    /// Seconds until the next try after `failures` failures (1 or more); nil when none is left.
    ///
    /// The delay doubles with each failure up to the longest; the seed takes off up to the jitter's share. Jobs of one
    /// chunk take the same seed, so that what failed together stays one chunk.
    public func delaySeconds(afterFailures failures: Int, seed: Int64) -> Double? {
        precondition(failures >= 1)
        guard failures < maximumTries else { return nil }
        // 2^40 seconds is past every limit; a larger exponent would only overflow.
        let full = min(firstDelaySeconds * Double(1 << min(failures - 1, 40)), longestDelaySeconds)
        let draw = Self.uniform(seed: UInt64(bitPattern: seed), stream: UInt64(failures))
        return full * (1 - jitter * draw)
    }

    /// A number in 0..<1 from a seed: one step of SplitMix64 (Steele, Lea and Flood 2014, figure 17).
    static func uniform(seed: UInt64, stream: UInt64) -> Double {
        var mixed = seed &+ stream &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
    }
}
