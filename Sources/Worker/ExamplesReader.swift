import ObjectStore
import Population
import Problem
import Queue
import Registry
import Zstd

/// Users' newest examples, whether the database holds them or refers to an object.
struct ExamplesReader: Sendable {
    /// No user's object expands to more.
    static let objectByteLimit = 64 << 20

    let inputs: AdaptationInputs
    let store: any ObjectStore

    /// The newest `limit` examples of each job's user, or what is wrong with that user's object.
    func newest(of jobs: [ClaimedJob], limit: Int) async throws -> [Result<RecordedExamples, Problem>] {
        var results: [Result<RecordedExamples, Problem>] = []
        for recorded in try await inputs.newestExamples(of: jobs.map(\.uid), limit: limit) {
            guard !recorded.objects.isEmpty else {
                results.append(.success(recorded))
                continue
            }
            do {
                results.append(.success(try await expand(recorded, limit: limit)))
            } catch let error as any ProblemConvertible where !error.problem.isRetryable {
                results.append(.failure(error.problem))
            }
        }
        return results
    }

    /// Puts the objects' examples where they belong in time; latest first, so that positions stay true.
    private func expand(_ recorded: RecordedExamples, limit: Int) async throws -> RecordedExamples {
        var recorded = recorded
        for object in recorded.objects.reversed() {
            let bytes = try await store.get(try ObjectKey(object.key))
            guard Digest.sha256(bytes) == Digest.hexadecimal(object.sha256) else {
                throw Problem(
                    "digest_mismatch", at: object.key, "its bytes are not those that were recorded.",
                    do: "record the user's examples again.")
            }
            let line = try ZstdFrame.expand(bytes, limit: Self.objectByteLimit, at: object.key)
            let examples = try UserExamples(jsonLine: line, at: object.key).examples
            recorded.labels.insert(contentsOf: examples.map(\.label), at: object.position)
            recorded.texts.insert(contentsOf: examples.map(\.text), at: object.position)
            recorded.items.insert(contentsOf: examples.map { _ in nil }, at: object.position)
        }
        let surplus = max(0, recorded.labels.count - limit)
        recorded.labels.removeFirst(surplus)
        recorded.texts.removeFirst(surplus)
        recorded.items.removeFirst(surplus)
        return recorded
    }
}
