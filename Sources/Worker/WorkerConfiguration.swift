public import Problem

/// What one worker process may take and how long it may take for it.
public struct WorkerConfiguration: Sendable {
    /// The name shown in status and errors, unique among live workers.
    public var name: String
    /// Seconds between heartbeats; default 5; the lease that the database gives must be longer than two of them.
    public var heartbeatSeconds: Double = 5
    /// Jobs claimed together at most (a delivery); default 1,000, 1...10,000.
    public var jobsPerClaim: Int = 1000
    /// Seconds of this worker's own time that a claim's estimated work takes at most, once its speed is known; default
    /// 0.5, 0.1...60. It is what another tenant's next job waits for at most, and what is left with a slow worker when the
    /// rest is done.
    public var claimSeconds: Double = 0.5
    /// Seconds between two looks at what waits in the lanes; default 10, 0.1...600.
    public var sampleSeconds: Double = 10
    /// Deliveries uploaded and published at the same time; default 2, 1...16.
    public var deliveriesInFlight: Int = 2
    /// Threads that adapt users; default 2, 1...256. Each uses one BLAS thread.
    public var computeThreads: Int = 2
    /// Bytes of frozen features kept, the raw and the projected together; default 256 MiB. Where recipes adapt inside an encoder,
    /// as much again of rows inside it, and an eighth of token ids.
    public var cacheBytes: Int = 256 << 20
    /// Longest pause between two claims that found nothing, in seconds; default 1. The first pause is 20 ms.
    public var idleSeconds: Double = 1
    /// Seconds after SIGTERM before unfinished chunks are handed back; default 25.
    public var drainSeconds: Double = 25
    /// End when nothing is left to claim instead of waiting for more; default false.
    public var stopsWhenIdle = false

    /// The defaults, under a name.
    public init(name: String) { self.name = name }

    /// Checks ranges and how the fields relate.
    ///
    /// - Throws: `configuration_wrong`, naming the field, its value and its range.
    public func validate() throws(Problem) {
        let checks: [(Bool, String)] = [
            (!name.isEmpty && name.utf8.count <= 100, "the name must have 1 to 100 bytes"),
            ((0.1...1000).contains(heartbeatSeconds), "heartbeat \(heartbeatSeconds) s must be in 0.1...1000"),
            ((1...10_000).contains(jobsPerClaim), "jobs per claim \(jobsPerClaim) must be in 1...10000"),
            ((0.1...60).contains(claimSeconds), "claim \(claimSeconds) s must be in 0.1...60"),
            ((0.1...600).contains(sampleSeconds), "seconds between samples \(sampleSeconds) must be in 0.1...600"),
            ((1...16).contains(deliveriesInFlight), "deliveries in flight \(deliveriesInFlight) must be in 1...16"),
            ((1...256).contains(computeThreads), "compute threads \(computeThreads) must be in 1...256"),
            (cacheBytes >= 1 << 20, "cache \(cacheBytes) bytes must be at least 1 MiB"),
            ((0.01...60).contains(idleSeconds), "idle pause \(idleSeconds) s must be in 0.01...60"),
            ((0...3600).contains(drainSeconds), "drain \(drainSeconds) s must be in 0...3600"),
        ]
        for (holds, rule) in checks where !holds {
            throw Problem(
                "configuration_wrong", at: "worker \(name)", "\(rule).", do: "correct the option; nothing was started.")
        }
    }

    /// Checks the heartbeats against the lease that the database gives every worker.
    ///
    /// - Throws: `configuration_wrong`: one lost heartbeat would cost the worker all that it holds.
    package func check(leaseSeconds: Int) throws(Problem) {
        guard Double(leaseSeconds) > 2 * heartbeatSeconds else {
            throw Problem(
                "configuration_wrong", at: "worker \(name)",
                "the lease of \(leaseSeconds) s must exceed two heartbeats of \(heartbeatSeconds) s.",
                do: "shorten --heartbeat, or raise lease_seconds in attune.setting.")
        }
    }
}
