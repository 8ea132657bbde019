public import Queue

extension SchedulerQueue {
    /// Splits limits of tenants among the workers that live; once a tick. Nothing is written while nothing changes but a
    /// renewal of each grant every lease.
    public func shareLimits(epoch: Int64) async throws {
        let limits = try await sharedLimits()
        guard !limits.isEmpty else { return }
        let grants = GrantPlan.grants(limits: limits, workers: try await liveWorkers().map(\.workerID))
        if !grants.isEmpty { try await grant(grants, epoch: epoch) }
    }
}
