import Queue
import Synchronization

/// What this worker holds, for its heartbeats and for handing back.
final class ChunksInHand: Sendable {
    private struct State {
        var chunks: [Int64: (fence: Fence, jobs: Int)] = [:]
        var progress: Int64 = 0
    }

    private let state = Mutex(State())

    func take(_ chunks: [ClaimedChunk]) {
        state.withLock { state in
            for chunk in chunks { state.chunks[chunk.fence.chunkID] = (chunk.fence, chunk.jobs.count) }
            state.progress += 1
        }
    }

    func release(_ fences: [Fence]) {
        state.withLock { state in
            for fence in fences where state.chunks[fence.chunkID]?.fence == fence { state.chunks[fence.chunkID] = nil }
            state.progress += 1
        }
    }

    /// Progress so far and jobs in hand.
    var heartbeat: (progress: Int64, jobs: Int32) {
        state.withLock { ($0.progress, Int32($0.chunks.values.reduce(0) { $0 + $1.jobs })) }
    }

    var fences: [Fence] { state.withLock { $0.chunks.values.map(\.fence) } }
    var isEmpty: Bool { state.withLock { $0.chunks.isEmpty } }
}
