import Foundation
import Queue
import Synchronization

/// When which job was claimed, and how many of each tenant: what fair workers write down.
final class ClaimLog: Sendable {
    private struct State {
        var watched: [Int64: ContinuousClock.Instant] = [:]
        var claimed: [Int64: ContinuousClock.Instant] = [:]
        var jobs: [String: Int] = [:]
        var ended: [String: Int] = [:]
    }

    private let state = Mutex(State())

    func claimed(_ chunks: [ClaimedChunk], at instant: ContinuousClock.Instant) {
        state.withLock { state in
            for chunk in chunks {
                state.jobs[chunk.tenant, default: 0] += chunk.jobs.count
                // Single jobs only: nobody waits for those of a campaign.
                if chunk.jobs.count < 10 { for job in chunk.jobs { state.claimed[job.jobID] = instant } }
            }
        }
    }

    func ended(_ tenant: String, _ jobs: Int) { state.withLock { $0.ended[tenant, default: 0] += jobs } }

    func claimedAt(_ job: Int64) -> ContinuousClock.Instant? { state.withLock { $0.claimed[job] } }
    func jobsClaimed(of tenant: String) -> Int { state.withLock { $0.jobs[tenant] ?? 0 } }
    func jobsEnded(of tenant: String) -> Int { state.withLock { $0.ended[tenant] ?? 0 } }
}

/// A worker whose work takes its estimated cost in time. It claims as a real one does: no more than half a second of work
/// at once, from the smallest head of its lanes; every job ends as kept.
struct FairWorker {
    let queue: PostgresQueueStore
    let log: ClaimLog
    /// Milliseconds of work that a claim takes at most, and a chunk at least.
    static let claimMilliseconds: Float = 500

    /// Registers; call on all workers before any of them runs, so that each adopts its share.
    func register(_ name: String) async throws -> Int64 {
        try await queue.registerWorker(name: name, version: "fair").workerID
    }

    /// Works under that id until its task is cancelled.
    func run(_ workerID: Int64) async throws {
        let start = ContinuousClock.now
        var schedule = LaneSchedule()
        var (lanes, beatAt): ([Int32], Double) = ([], -.infinity)
        while !Task.isCancelled {
            let seconds = (ContinuousClock.now - start).inSeconds
            if seconds - beatAt >= 5 {
                beatAt = seconds
                lanes = try await beat(workerID)
            }
            schedule.setLanes(lanes + [ClaimRequest.parkedLane])
            guard var request = schedule.nextClaim(workerID: workerID, at: seconds) else {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            (request.costBudgetMilliseconds, request.jobBudget) = (Self.claimMilliseconds, 1000)
            let result = try await queue.claim(request)
            schedule.note(result, of: request, at: seconds)
            log.claimed(result.chunks, at: .now)
            try await work(result.chunks)
        }
    }

    private func beat(_ workerID: Int64) async throws -> [Int32] {
        var orders = try await queue.heartbeat(Heartbeat(workerID: workerID, progress: 0, jobsInHand: 0))
        if try await queue.adoptLanes(workerID: workerID) > 0 {
            orders = try await queue.heartbeat(Heartbeat(workerID: workerID, progress: 0, jobsInHand: 0))
        }
        return orders.lanes
    }

    /// Takes the chunks' time, tenant by tenant, and publishes each tenant's together.
    private func work(_ chunks: [ClaimedChunk]) async throws {
        for tenant in Set(chunks.map(\.tenant)).sorted() {
            let group = chunks.filter { $0.tenant == tenant }
            try await Task.sleep(for: .milliseconds(group.reduce(0) { $0 + Double($1.costMilliseconds) }))
            let reports = group.flatMap(\.jobs).map { JobReport($0, .kept(dataThrough: 0, Measurements())) }
            _ = try await queue.publish(Delivery(chunks: group.map(\.fence), reports: reports))
            log.ended(tenant, reports.count)
        }
    }
}

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
