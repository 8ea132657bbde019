package import Meta
package import ObjectStore
import Problem
import Queue
import Recipe
import Synchronization
package import Tensor

/// Leaves the gradients of outer steps to the workers of the cluster.
///
/// Each shard is a job. Its payload holds the episodes and names two objects by digest, the features of all texts and the step's
/// parameters; its outcome names the object that holds the gradient. Neither the cut into shards nor the order in which they are
/// added depends on who computes what: on machines of one kind the sum has the same bits as in one process.
///
/// The shard of a worker that dies is done by another once its lease is over. What two have computed is the same, and the one
/// counts whose fence held. A gradient that cannot be read is asked for anew.
package final class ClusterGradients: GradientSource {
    /// How it goes, for a display.
    package struct Status: Sendable, Equatable {
        /// Steps whose gradients are all there.
        package var steps = 0
        /// Names of workers that ended a shard.
        package var workers: Set<String> = []
        /// Shards that were asked for again because their object could not be read.
        package var repeated = 0
    }

    private struct Book {
        var status = Status()
        var open: Set<Int64> = []
        var lastEnded = ContinuousClock.now
        var lastTold = ContinuousClock.now
    }

    /// The run, for a checkpoint: another process may go on with it.
    package let run: Int64
    private let queue: any GradientQueue
    private let store: any ObjectStore
    private let tenant: String
    private let prefix: String
    /// SHA-256 of the features' file, which is in the store.
    private let features: String
    private let tell: @Sendable (String) -> Void
    private let book = Mutex(Book())

    private static let pollInterval = Duration.milliseconds(25)
    /// Without a word from any worker for so long, somebody is told.
    private static let patience = Duration.seconds(15)
    private static let repeatsOfShard = 3
    /// A reference worker's time for a shard, until the queue has learned better.
    private static let shardMilliseconds: Float = 20

    /// Begins a run, or goes on with one, and stores the features.
    ///
    /// - Parameters:
    ///   - features: of all texts that episodes may name, `[texts, width]`.
    ///   - tell: what a person should know meanwhile.
    package init(
        queue: any GradientQueue, store: any ObjectStore, tenant: String, resuming run: Int64?, features: Matrix,
        tell: @escaping @Sendable (String) -> Void
    ) async throws {
        (self.queue, self.store, self.tenant, self.tell) = (queue, store, tenant, tell)
        (self.run, prefix) = try await queue.begin(tenant: tenant, run: run)
        let bytes = GradientFiles.encode(features: features)
        self.features = Digest.sha256(bytes)
        try await store.put(bytes, at: try key(self.features), sha256: self.features)
    }

    /// How it goes.
    package var status: Status { book.withLock { $0.status } }

    /// The gradients of a step's shards, in order.
    ///
    /// - Throws: `gradient_failed` where a shard's job ended without success, and what queue and store throw.
    package func gradients(of step: OuterStep) async throws -> [MetaParameters] {
        let bytes = GradientFiles.encode(step.parameters)
        let digest = Digest.sha256(bytes)
        // Folds begin with the same parameters, and each removes its own.
        var spent = [try key("\(step.fold)-\(digest)")]
        try await store.put(bytes, at: spent[0], sha256: digest)
        var gradients = [MetaParameters?](repeating: nil, count: step.shards.count)
        var repeats = 0
        var asked = try await ask(Array(step.shards.indices), of: step, digest)
        while !asked.isEmpty {
            try await Task.sleep(for: Self.pollInterval)
            let ended = try await queue.ended(Array(asked.keys))
            try await note(ended, waiting: asked.count)
            var again: [Int] = []
            for one in ended {
                guard let shard = asked.removeValue(forKey: one.jobID) else { continue }
                guard one.state == .completed else { throw failure(one, step, shard) }
                do {
                    let (gradient, key) = try await gradient(named: one.message, like: step.parameters)
                    gradients[shard] = gradient
                    spent.append(key)
                } catch let error as any ProblemConvertible {
                    repeats += 1
                    guard repeats <= Self.repeatsOfShard * step.shards.count else { throw error }
                    tell("a gradient is asked for again: \(error.problem)")
                    again.append(shard)
                }
            }
            if !again.isEmpty { try await asked.merge(ask(again, of: step, digest)) { _, new in new } }
            book.withLock { $0.status.repeated += again.count }
        }
        book.withLock { $0.status.steps += 1 }
        try await delete(spent)
        return gradients.compactMap(\.self)
    }

    /// Ends the run: what is still asked for is cancelled, and every object of it removed.
    package func close() async throws {
        for job in book.withLock({ $0.open }).sorted() { try await queue.cancel(job) }
        let below = try key("a").string.dropLast()
        while true {
            let page = try await store.list(prefix: String(below), after: nil, limit: 1000)
            if page.isEmpty { break }
            try await delete(page.map(\.key))
        }
        try await queue.end(run: run)
    }

    private func key(_ name: String) throws -> ObjectKey {
        try ObjectKey(GradientFiles.key(prefix: prefix, run: run, name: name))
    }

    /// Enqueues shards of a step; returns which job is which.
    private func ask(_ shards: [Int], of step: OuterStep, _ parameters: String) async throws -> [Int64: Int] {
        let payloads = shards.map {
            GradientRequest(step, shard: $0, run: run, features: features, parameters: parameters).encode()
        }
        let jobs = try await queue.enqueue(
            run: run, payloads: payloads, costMilliseconds: Self.shardMilliseconds)
        book.withLock { $0.open.formUnion(jobs) }
        return Dictionary(uniqueKeysWithValues: zip(jobs, shards))
    }

    /// Remembers what has ended; where nothing does for long, says so, and that this run lives.
    private func note(_ ended: [MetaRunQueue.Ended], waiting: Int) async throws {
        let now = ContinuousClock.now
        let silence = book.withLock { book -> Duration? in
            book.open.subtract(ended.map(\.jobID))
            book.status.workers.formUnion(ended.lazy.map(\.worker).filter { !$0.isEmpty })
            if !ended.isEmpty { book.lastEnded = now }
            let quietSince = max(book.lastEnded, book.lastTold)
            guard now - quietSince >= Self.patience else { return nil }
            book.lastTold = now
            return now - book.lastEnded
        }
        guard let silence else { return }
        tell(
            "no worker has ended a gradient for \(silence.components.seconds) s; \(waiting) of a step wait. Workers: "
                + "attune workers; more: attune worker")
        _ = try await queue.begin(tenant: tenant, run: run)
    }

    /// Reads what a job's outcome names: an object of this run, with the digest that its name ends in.
    private func gradient(
        named name: String, like parameters: MetaParameters
    ) async throws -> (MetaParameters, ObjectKey) {
        let digest = String(name.suffix(64))
        guard name.hasPrefix(try key("a").string.dropLast()) else { throw Self.unreadable(name, "of another run") }
        let key = try ObjectKey(name)
        let bytes = try await store.get(key)
        guard Digest.sha256(bytes) == digest else {
            throw Self.unreadable(name, "of another digest than its name says")
        }
        let gradient = try GradientFiles.parameters(decoding: bytes, at: name)
        guard
            (gradient.width, gradient.steps, gradient.isIsotropic)
                == (parameters.width, parameters.steps, parameters.isIsotropic)
        else { throw Self.unreadable(name, "of another shape than the parameters") }
        return (gradient, key)
    }

    private static func unreadable(_ name: String, _ what: String) -> Problem {
        Problem("gradient_unreadable", at: name, "it is \(what).", do: "nothing: it is asked for again.")
    }

    private func failure(_ ended: MetaRunQueue.Ended, _ step: OuterStep, _ shard: Int) -> Problem {
        Problem(
            "gradient_failed", at: "fold \(step.fold + 1), step \(step.number), shard \(shard + 1)",
            "job \(ended.jobID) ended as \(ended.state.rawValue): \(ended.errorClass) \(Problem.excerpt(ended.message)).",
            do: "see attune job \(ended.jobID); go on with --resume once the cause is gone.")
    }

    /// Removes objects side by side.
    private func delete(_ keys: [ObjectKey]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for key in keys { group.addTask { [store] in try await store.delete(key) } }
            try await group.waitForAll()
        }
    }
}
