package import Queue
import Synchronization

/// What this worker holds, for its heartbeats and for handing back.
package final class ChunksInHand: Sendable {
    private struct State {
        var chunks: [Int64: (fence: Fence, jobs: Int)] = [:]
        /// Those that nobody here works on any more; see ``ChunksInHand/abandon(_:)``.
        var abandoned: Set<Fence> = []
        var progress: Int64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func take(_ chunks: [ClaimedChunk]) {
        state.withLock { state in
            for chunk in chunks { state.chunks[chunk.fence.chunkID] = (chunk.fence, chunk.jobs.count) }
            state.progress += 1
        }
    }

    package func release(_ fences: [Fence]) {
        state.withLock { state in
            for fence in fences where state.chunks[fence.chunkID]?.fence == fence { state.chunks[fence.chunkID] = nil }
            state.abandoned.subtract(fences)
            state.progress += 1
        }
    }

    /// Remembers chunks that could be neither delivered nor given up because the queue was out of reach. They stay in
    /// hand: the lease is the whole worker's, so that nobody else gets them until they are handed back.
    package func abandon(_ fences: [Fence]) { state.withLock { $0.abandoned.formUnion(fences) } }

    /// What is to be handed back as soon as the queue can be reached again.
    package var abandoned: [Fence] { state.withLock { Array($0.abandoned) } }

    /// Progress so far and jobs in hand.
    package var heartbeat: (progress: Int64, jobs: Int32) {
        state.withLock { ($0.progress, Int32($0.chunks.values.reduce(0) { $0 + $1.jobs })) }
    }

    package var fences: [Fence] { state.withLock { $0.chunks.values.map(\.fence) } }
    package var isEmpty: Bool { state.withLock { $0.chunks.isEmpty } }
}
