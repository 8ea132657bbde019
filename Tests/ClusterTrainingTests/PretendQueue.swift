import ClusterTraining
import Meta
import ObjectStore
import Queue
import Recipe
import Synchronization
import Tensor
import Testing

/// A queue whose workers are as good as there: a job has ended when it is first asked about.
final class PretendQueue: GradientQueue {
    private struct State {
        var payloads: [Int64: [UInt8]] = [:]
        var ended: Set<Int64> = []
        var cancelled: Set<Int64> = []
        var next: Int64 = 1
        var isOver = false
    }

    private let state = Mutex(State())
    private let store: any ObjectStore
    /// Ends a job in another way than with its gradient; nil: with its gradient.
    private let spoil: @Sendable (Int64, GradientRequest) -> MetaRunQueue.Ended?

    init(
        _ store: any ObjectStore,
        spoil: @escaping @Sendable (Int64, GradientRequest) -> MetaRunQueue.Ended? = { _, _ in nil }
    ) {
        (self.store, self.spoil) = (store, spoil)
    }

    var cancelled: Set<Int64> { state.withLock { $0.cancelled } }
    var asked: Int { state.withLock { $0.payloads.count } }
    var isOver: Bool { state.withLock { $0.isOver } }

    func begin(tenant: String, run: Int64?) async throws -> (run: Int64, keyPrefix: String) { (run ?? 7, tenant) }

    func enqueue(run: Int64, payloads: [[UInt8]], costMilliseconds: Float) async throws -> [Int64] {
        state.withLock { state in
            payloads.map { payload in
                defer { state.next += 1 }
                state.payloads[state.next] = payload
                return state.next
            }
        }
    }

    func ended(_ jobs: [Int64]) async throws -> [MetaRunQueue.Ended] {
        var answers: [MetaRunQueue.Ended] = []
        // Not in the order asked: sums must not depend on it.
        for job in jobs.sorted(by: >) {
            let payload = try #require(state.withLock { $0.payloads[job] })
            let request = try GradientRequest(decoding: payload, at: "job")
            if let other = spoil(job, request) {
                answers.append(other)
                continue
            }
            func object(_ name: String) async throws -> [UInt8] {
                try await store.get(ObjectKey(GradientFiles.key(prefix: "acme", run: request.run, name: name)))
            }
            let features = try GradientFiles.features(decoding: try await object(request.features), at: "features")
            let values = try GradientFiles.parameters(
                decoding: try await object("\(request.fold)-\(request.parameters)"), at: "parameters")
            let bytes = GradientFiles.encode(try request.gradient(values, features: features, at: "job"))
            let sha256 = Digest.sha256(bytes)
            let key = try ObjectKey(GradientFiles.key(prefix: "acme", run: request.run, name: "\(job)-\(sha256)"))
            try await store.put(bytes, at: key, sha256: sha256)
            answers.append(.init(jobID: job, state: .completed, message: key.string, worker: "w-\(job % 2)"))
        }
        return answers
    }

    func cancel(_ job: Int64) async throws { state.withLock { _ = $0.cancelled.insert(job) } }
    func end(run: Int64) async throws { state.withLock { $0.isOver = true } }
}
