import Adapters
import ClusterTraining
import Meta
import ObjectStore
import Problem
import Queue
import Recipe
import Synchronization
import Tensor
import Testing

@Suite struct ClusterGradientsTests {
    /// Users of random tastes over random features.
    private func population(users: Int = 40, width: Int = 8, texts: Int = 90) -> MetaPopulation {
        var random = RandomSource(seed: 4)
        let features = Matrix(
            rows: texts, columns: width, values: (0..<texts * width).map { _ in Float(random.normal()) / 3 })
        let made = (0..<users).map { index in
            let rows = (0..<60).map { _ in Int32(random.index(below: texts)) }
            let taste = random.index(below: width)
            return MetaUser(
                id: "u\(index)", rows: rows, labels: rows.map { features[Int($0), taste] > 0 ? 1 : 0 }, supportCount: 32
            )
        }
        return MetaPopulation(features: features, users: made)
    }

    private var settings: OuterSettings {
        var settings = OuterSettings()
        (settings.folds, settings.maximumSteps, settings.stepsPerCheckpoint) = (3, 20, 5)
        (settings.usersPerStep, settings.denseMinimumUsers) = (10, 20)
        return settings
    }

    private func learn(
        _ people: MetaPopulation, _ queue: PretendQueue, _ store: MemoryObjectStore
    ) async throws -> (rule: PreconditionedRule, status: ClusterGradients.Status) {
        let gradients = try await ClusterGradients(
            queue: queue, store: store, tenant: "acme", resuming: nil, features: people.features, tell: { _ in })
        do {
            let rule = try await OuterLoop(people, settings: settings).learn(
                from: .zero(width: 8), resuming: [], gradients: gradients
            ) { _, _ in }
            try await gradients.close()
            return (rule, gradients.status)
        } catch {
            try await gradients.close()
            throw error
        }
    }

    @Test("a rule learned through queue and store has the bits of one learned in this process, and leaves no object")
    func learns() async throws {
        let (people, store) = (population(), MemoryObjectStore())
        let queue = PretendQueue(store)
        let (rule, status) = try await learn(people, queue, store)
        #expect(rule == OuterLoop(people, settings: settings).learn(from: .zero(width: 8)))
        #expect(status.steps == 60 && status.workers == ["w-0", "w-1"] && status.repeated == 0)
        #expect(queue.asked == 240 && queue.cancelled.isEmpty && queue.isOver)
        #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
    }

    @Test("a gradient that is missing, of another run or damaged is asked for again, and the rule is the same")
    func repeats() async throws {
        let (people, store) = (population(), MemoryObjectStore())
        let other = try ObjectKey("acme/meta-7/1-\(String(repeating: "a", count: 64))")
        let bytes = GradientFiles.encode(MetaParameters(width: 3, steps: 1, isIsotropic: true))
        let small = try ObjectKey("acme/meta-7/2-\(Digest.sha256(bytes))")
        try await store.put(bytes, at: small, sha256: Digest.sha256(bytes))
        let queue = PretendQueue(store) { job, request in
            let wrong = [3: other.string, 9: "rival/meta-7/x", 14: small.string, 20: "acme/meta-7/\u{1}"][job]
            return wrong.map { .init(jobID: job, state: .completed, message: $0, worker: "") }
        }
        let (rule, status) = try await learn(people, queue, store)
        #expect(rule == OuterLoop(people, settings: settings).learn(from: .zero(width: 8)))
        #expect(status.repeated == 4 && queue.asked == 244)
        #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
    }

    @Test("a job that ends without success ends the training with its words; the others are cancelled, nothing stays")
    func fails() async throws {
        let (people, store) = (population(), MemoryObjectStore())
        let queue = PretendQueue(store) { job, request in
            guard request.fold == 1, request.step == 4 else { return nil }
            return .init(
                jobID: job, state: .discarded, errorClass: "worker_crashed", message: "three times", worker: "")
        }
        do {
            _ = try await learn(people, queue, store)
            Issue.record("it went on")
        } catch let problem as Problem {
            #expect(problem.errorClass == "gradient_failed" && problem.location.hasPrefix("fold 2, step 4, shard"))
            #expect(problem.reason.contains("discarded: worker_crashed three times"), "\(problem.reason)")
        }
        #expect(queue.isOver)
        #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
    }

    @Test("what never can be read ends the training, it is not asked for for ever")
    func givesUp() async throws {
        let (people, store) = (population(), MemoryObjectStore())
        let queue = PretendQueue(store) { job, _ in
            .init(jobID: job, state: .completed, message: "acme/meta-7/none", worker: "")
        }
        await #expect(throws: Problem.self) { _ = try await learn(people, queue, store) }
        #expect(queue.asked <= 3 * 4 * 4)
    }
}
