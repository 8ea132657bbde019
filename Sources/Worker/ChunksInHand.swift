package import Queue
import Synchronization

/// What this worker holds, for its heartbeats and for handing back.
package final class ChunksInHand: Sendable {
    private struct State {
        var chunks: [Int64: (fence: Fence, jobs: Int, cost: Float)] = [:]
        /// Those that nobody here works on any more; see ``ChunksInHand/abandon(_:)``.
        var abandoned: Set<Fence> = []
        var progress: Int64 = 0
        var meter: WorkMeter
    }

    private let state: Mutex<State>
    private let start: ContinuousClock.Instant

    package init() {
        start = .now
        state = Mutex(State(meter: WorkMeter(at: 0)))
    }

    private var seconds: Double { (ContinuousClock.now - start).seconds }

    package func take(_ chunks: [ClaimedChunk]) {
        state.withLock { state in
            for chunk in chunks {
                state.chunks[chunk.fence.chunkID] = (chunk.fence, chunk.jobs.count, chunk.costMilliseconds)
            }
            if !state.chunks.isEmpty { state.meter.begin(at: seconds) }
            state.progress += 1
        }
    }

    package func release(_ fences: [Fence]) {
        state.withLock { state in
            for fence in fences where state.chunks[fence.chunkID]?.fence == fence { state.chunks[fence.chunkID] = nil }
            state.abandoned.subtract(fences)
            if state.chunks.isEmpty { state.meter.rest(at: seconds) }
            state.progress += 1
        }
    }

    /// Counts chunks of one delivery as done, whose stages took so many milliseconds in all, and releases them.
    package func finish(_ chunks: [ClaimedChunk], stageMilliseconds: Double) {
        if let first = chunks.first {
            state.withLock { state in
                state.meter.finish(
                    tenantID: first.tenantID, kind: first.kind,
                    estimatedMilliseconds: chunks.reduce(0) { $0 + Double($1.costMilliseconds) },
                    stageMilliseconds: stageMilliseconds)
            }
        }
        release(chunks.map(\.fence))
    }

    /// Remembers chunks that could be neither delivered nor given up because the queue was out of reach. They stay in
    /// hand: the lease is the whole worker's, so that nobody else gets them until they are handed back.
    package func abandon(_ fences: [Fence]) { state.withLock { $0.abandoned.formUnion(fences) } }

    /// What is to be handed back as soon as the queue can be reached again.
    package var abandoned: [Fence] { state.withLock { Array($0.abandoned) } }

    /// What was done since this was last asked; see ``WorkMeter/report(at:)``.
    package func workDone() -> WorkDone? { state.withLock { $0.meter.report(at: seconds) } }

    /// A first idea of this worker's speed, from what it has not told yet; nil while nothing has ended.
    package var speed: Float? { state.withLock { $0.meter.speed(at: seconds).map(Float.init) } }

    /// Progress so far, jobs in hand and their estimated work.
    package var heartbeat: (progress: Int64, jobs: Int32, costMilliseconds: Float) {
        state.withLock { state in
            let jobs = state.chunks.values.reduce(0) { $0 + $1.jobs }
            return (state.progress, Int32(jobs), state.chunks.values.reduce(0) { $0 + $1.cost })
        }
    }

    package var fences: [Fence] { state.withLock { $0.chunks.values.map(\.fence) } }
    package var isEmpty: Bool { state.withLock { $0.chunks.isEmpty } }
}
