public import Problem

/// When a request to a store is tried again: a value, so that tests need no clock.
public struct StoreRetryPolicy: Sendable, Equatable {
    /// Tries in all, the first included; default 5, at least 1.
    public var maximumTries = 5
    /// Seconds of the first wait before jitter; it doubles with each try; default 0.2.
    public var firstDelaySeconds = 0.2
    /// Seconds no wait exceeds, not even one that the server asks for; default 10.
    public var longestDelaySeconds = 10.0
    /// Seconds after which no further try is begun; default 60. Keep it below the queue's lease.
    public var totalSeconds = 60.0

    /// The defaults.
    public init() {}

    /// Seconds to wait after the try with that number (1 is the first): half of the doubling delay for certain, the
    /// other half by `random`, which lies in 0..<1. A server that names a time is given it, plus the random part.
    public func delaySeconds(afterTry number: Int, random: Double, serverSeconds: Double? = nil) -> Double {
        let full = min(longestDelaySeconds, firstDelaySeconds * Double(1 << min(number - 1, 30)))
        return min(longestDelaySeconds, max(full / 2, serverSeconds ?? 0) + random * full / 2)
    }

    /// Checks ranges; throws ``Problem`` `bad_setting`.
    public func validate() throws(Problem) {
        let rules: [(Bool, String)] = [
            (maximumTries >= 1, "maximumTries is at least 1"), (firstDelaySeconds > 0, "firstDelaySeconds is above 0"),
            (longestDelaySeconds >= firstDelaySeconds, "longestDelaySeconds is at least firstDelaySeconds"),
            (totalSeconds > 0, "totalSeconds is above 0"),
        ]
        for (holds, rule) in rules where !holds {
            throw Problem("bad_setting", at: "store.retry", "\(self) breaks a rule.", do: "see that \(rule).")
        }
    }
}
