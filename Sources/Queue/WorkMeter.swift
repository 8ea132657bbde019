/// Measures what a worker does and how long it takes: the source of its speed and of what jobs really cost.
///
/// A value over times of a clock that only rises, in seconds. Busy is the time in which work is in hand: what the machine
/// makes of it, waiting for the store and the database included, is what a plan must count on. The stages of deliveries
/// overlap; hence the busy time is shared out in the proportion of what each delivery's stages took.
package struct WorkMeter: Sendable {
    private struct Key: Hashable {
        var tenantID: Int32
        var kind: String
    }

    private var since: Double
    /// Since when work is in hand.
    private var busySince: Double?
    private var busySeconds = 0.0
    private var shares: [Key: (estimated: Double, stages: Double)] = [:]

    /// A meter that starts at `seconds`.
    package init(at seconds: Double) { since = seconds }

    /// Work is in hand from now on.
    package mutating func begin(at seconds: Double) { if busySince == nil { busySince = seconds } }

    /// Nothing is in hand any more.
    package mutating func rest(at seconds: Double) {
        if let busySince { busySeconds += seconds - busySince }
        busySince = nil
    }

    /// A delivery ended well: its estimates, and the sum of the times of its stages, in milliseconds.
    package mutating func finish(
        tenantID: Int32, kind: String, estimatedMilliseconds: Double, stageMilliseconds: Double
    ) {
        let key = Key(tenantID: tenantID, kind: kind)
        let old = shares[key] ?? (0, 0)
        shares[key] = (old.estimated + estimatedMilliseconds, old.stages + max(stageMilliseconds, 0.001))
    }

    /// Estimated work done over busy time since the last report; nil while nothing has ended.
    package func speed(at seconds: Double) -> Double? {
        let busy = busySeconds + (busySince.map { seconds - $0 } ?? 0)
        guard !shares.isEmpty, busy > 0 else { return nil }
        return shares.values.reduce(0) { $0 + $1.estimated } / (busy * 1000)
    }

    /// What was done since the last report, and begins anew; nil while nothing has ended: time goes on counting.
    package mutating func report(at seconds: Double) -> WorkDone? {
        guard !shares.isEmpty else { return nil }
        let isBusy = busySince != nil
        rest(at: seconds)
        let stages = shares.values.reduce(0) { $0 + $1.stages }
        let busy = busySeconds * 1000
        let done = WorkDone(
            spanMilliseconds: (seconds - since) * 1000, busyMilliseconds: busy,
            shares: shares.map { key, share in
                WorkDone.Share(
                    tenantID: key.tenantID, kind: key.kind, estimatedMilliseconds: share.estimated,
                    tookMilliseconds: busy * share.stages / stages)
            }.sorted { ($0.tenantID, $0.kind) < ($1.tenantID, $1.kind) })
        self = WorkMeter(at: seconds)
        if isBusy { begin(at: seconds) }
        return done
    }
}
