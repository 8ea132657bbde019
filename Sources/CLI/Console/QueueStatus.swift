import Foundation

/// The queue at one moment, as `attune status --json` prints it.
struct QueueStatus: Encodable, Equatable {
    /// What waits of one tenant's flow.
    struct FlowLine: Encodable, Equatable {
        var tenant: String
        var flow: String
        var waiting: Int64
        var running: Int64
        var deferred: Int64
        /// Jobs that wait until a limit leaves room, or a pause ends.
        var parked: Int64 = 0
        /// Whether waiting was counted; else it is an estimate.
        var isExact = true
        /// Seconds that the oldest waiting job has waited.
        var oldestSeconds: Double?
        /// Jobs of the flow that ended a second, lately.
        var ratePerSecond = 0.0
        /// Jobs by which waiting grew a second over the last minute; nil when nothing was sampled.
        var growthPerSecond: Double?
        /// Seconds until it is empty at its rate; nil when nothing was done.
        var emptyInSeconds: Double?
    }

    /// What a person wants to know first.
    enum Verdict: String, Encodable { case idle, starting, draining, keepingUp = "keeping up", growing, stuck, paused }

    var at = Date.distantPast
    var verdict = Verdict.idle
    var waiting: Int64 = 0
    var running: Int64 = 0
    /// Jobs that wait for their time: delayed, or after a failure.
    var deferred: Int64 = 0
    /// Jobs that wait until a limit leaves room, or a pause ends.
    var parked: Int64 = 0
    /// Whether waiting was counted; else it is an estimate.
    var isExact = true
    /// When the oldest measurement behind an estimate was taken.
    var asOf: Date?
    var oldestSeconds: Double?
    /// Jobs that ended a second, lately: over this minute so far and the one before.
    var endedPerSecond = 0.0
    /// Of those, jobs that got a revision or kept their old one.
    var publishedPerSecond = 0.0
    /// Jobs a second that run again.
    var retriesPerSecond = 0.0
    /// Jobs by which waiting grew a second over the last minute; nil when nothing was sampled.
    var growthPerSecond: Double?
    /// Published jobs that kept the old revision, of those of the last hour; nil when there were none.
    var keptShare: Double?
    /// Seconds until what waits is done: the last flow's end, at each flow's rate; nil when one gets nothing done.
    var doneInSeconds: Double?
    /// How the jobs of the last hour ended.
    var endedLastHour: [String: Int64] = [:]
    /// Discarded jobs of the last hour by error class.
    var discardedLastHour: [String: Int64] = [:]
    /// Live workers, and those there are with lost and wedged ones.
    var workersLive: Int64 = 0
    var workers: Int64 = 0
    /// Workers that are live and were told to pause.
    var workersPaused: Int64 = 0
    var flows: [FlowLine] = []
    /// Checks that found something: `attune doctor` says what.
    var findings: Int64 = 0
}

extension QueueStatus {
    /// A backlog of fewer seconds than this, at the rate it is worked off, is no backlog.
    static let keepsUpSeconds = 10.0
    /// A backlog grows when it does by more than this share of what is done.
    static let growthMargin = 0.05
    /// Nothing done for so long, with work there and workers live, is no start any more.
    static let stuckSeconds = 120.0

    /// Sums over flows, and the verdict that follows from them.
    mutating func sum() {
        waiting = flows.reduce(0) { $0 + $1.waiting }
        running = flows.reduce(0) { $0 + $1.running }
        deferred = flows.reduce(0) { $0 + $1.deferred }
        parked = flows.reduce(0) { $0 + $1.parked }
        isExact = flows.allSatisfy(\.isExact)
        oldestSeconds = flows.compactMap(\.oldestSeconds).max()
        let grown = flows.compactMap(\.growthPerSecond)
        growthPerSecond = grown.isEmpty ? nil : grown.reduce(0, +)
        let judged = (endedLastHour["completed"] ?? 0) + (endedLastHour["kept"] ?? 0)
        keptShare = judged > 0 ? Double(endedLastHour["kept"] ?? 0) / Double(judged) : nil
        for index in flows.indices where flows[index].waiting > 0 && flows[index].ratePerSecond > 0 {
            flows[index].emptyInSeconds = Double(flows[index].waiting) / flows[index].ratePerSecond
        }
        let waitingFlows = flows.filter { $0.waiting > 0 }
        doneInSeconds =
            if waitingFlows.isEmpty
                || waitingFlows.contains(where: { $0.emptyInSeconds == nil && $0.ratePerSecond == 0 })
            {
                // A flow that comes after others has no rate of its own yet: then all is judged as one.
                waiting > 0 && endedPerSecond > 0 ? Double(waiting) / endedPerSecond : nil
            } else {
                waitingFlows.compactMap(\.emptyInSeconds).max()
            }
        verdict = judge()
    }

    private func judge() -> Verdict {
        if waiting + running == 0 { return parked > 0 ? .paused : .idle }
        if workersLive == 0 { return workersPaused > 0 ? .paused : .stuck }
        guard endedPerSecond > 0 else { return (oldestSeconds ?? 0) > Self.stuckSeconds ? .stuck : .starting }
        if Double(waiting) <= endedPerSecond * Self.keepsUpSeconds { return .keepingUp }
        return (growthPerSecond ?? 0) > endedPerSecond * Self.growthMargin ? .growing : .draining
    }

    /// The flow that grows fastest: what a growing backlog is to be blamed on.
    var fastestGrowing: FlowLine? {
        flows.max { ($0.growthPerSecond ?? 0) < ($1.growthPerSecond ?? 0) }
    }

    /// Workers that would do as much as is asked for, at what each does now.
    var workersToKeepUp: Int64? {
        guard verdict == .growing, endedPerSecond > 0, workersLive > 0, let growthPerSecond else { return nil }
        return Int64((Double(workersLive) * (1 + growthPerSecond / endedPerSecond)).rounded(.up))
    }
}
