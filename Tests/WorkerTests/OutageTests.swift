import Foundation
import Logging
import Model
import ObjectStore
import Postgres
import Queue
import Registry
import Synchronization
import Testing
import Worker

private let baseFolder = ProcessInfo.processInfo.environment["ATTUNE_TEST_BASE"]

/// A worker whose queue is out of reach at the worst moments. Needs ATTUNE_TEST_BASE: a base model's folder, which every
/// worker loads; unset, these tests are skipped.
@Suite(.enabled(if: baseFolder != nil, "set ATTUNE_TEST_BASE to a base model's folder"), .timeLimit(.minutes(1)))
struct OutageTests {
    /// The queue in memory, some of whose calls lose their connection.
    private final class UnsteadyQueue: QueueStore {
        let inner = MemoryQueueStore()
        let lostPublishes = Mutex(0)
        let lostClaims = Mutex(0)
        let registered = Mutex<[Int64]>([])
        let handedBack = Mutex<[Fence]>([])
        /// How often each lane was asked for; the first one's claims all fail, if one is to be broken.
        let asked = Mutex<[Int32: Int]>([:])
        let brokenLane = Mutex<Int32?>(nil)
        let breaksALane: Bool

        init(breaksALane: Bool = false) { self.breaksALane = breaksALane }

        private func lose(_ count: borrowing Mutex<Int>) throws {
            let isLost = count.withLock { left in
                left -= 1
                return left >= 0
            }
            if isLost { throw PostgresError(.connectionLost, "gone") }
        }

        func claim(_ request: ClaimRequest) async throws -> ClaimResult {
            asked.withLock { $0[request.lane, default: 0] += 1 }
            let isBroken = brokenLane.withLock { lane in
                if breaksALane, lane == nil { lane = request.lane }
                return lane == request.lane
            }
            if isBroken { throw PostgresError(.statement, "duplicate key") }
            let result = try await inner.claim(request)
            if !result.chunks.isEmpty { try lose(lostClaims) }
            return result
        }

        func publish(_ delivery: Delivery) async throws -> PublishReport {
            try lose(lostPublishes)
            if delivery.reports.isEmpty { handedBack.withLock { $0 += delivery.chunks } }
            return try await inner.publish(delivery)
        }

        func registerWorker(name: String, version: String) async throws -> WorkerRegistration {
            let registration = try await inner.registerWorker(name: name, version: version)
            registered.withLock { $0.append(registration.workerID) }
            return registration
        }

        func enqueue(_ job: NewJob) async throws -> Int64 { try await inner.enqueue(job) }
        func enqueue(_ bulk: Bulk) async throws -> BulkReport { try await inner.enqueue(bulk) }
        func heartbeat(_ heartbeat: Heartbeat) async throws -> WorkerOrders { try await inner.heartbeat(heartbeat) }
        func setState(_ state: WorkerState, ofWorker workerID: Int64) async throws -> Bool {
            try await inner.setState(state, ofWorker: workerID)
        }
        func adoptLanes(workerID: Int64) async throws -> Int { try await inner.adoptLanes(workerID: workerID) }
        func setBases(_ digests: [String], ofWorker workerID: Int64) async throws {
            try await inner.setBases(digests, ofWorker: workerID)
        }
        func passOn(_ chunks: [Fence], reason: String) async throws -> Int {
            try lose(lostPublishes)
            return try await inner.passOn(chunks, reason: reason)
        }
        func record(_ report: StatisticsReport) async throws { try await inner.record(report) }
        func sampleLanes(workerID: Int64, marks: [Int32: LaneMark]) async throws -> [LaneSample] {
            try await inner.sampleLanes(workerID: workerID, marks: marks)
        }
        func lanesToHelp(workerID: Int64, limit: Int) async throws -> [Int32: LaneMark] {
            try await inner.lanesToHelp(workerID: workerID, limit: limit)
        }
        func cancel(jobID: Int64) async throws -> JobState { try await inner.cancel(jobID: jobID) }
        func retry(jobID: Int64) async throws -> Int64 { try await inner.retry(jobID: jobID) }
        func job(_ jobID: Int64) async throws -> JobStatus? { try await inner.job(jobID) }
        func rescue(limit: Int) async throws -> [RescuedChunk] { try await inner.rescue(limit: limit) }
        func wake(limit: Int) async throws -> Int { try await inner.wake(limit: limit) }
    }

    /// Runs a worker that does not hold its tenant's base and cannot read users' data until `holds` is true, then drains
    /// it.
    private func work(on queue: UnsteadyQueue, until holds: () async throws -> Bool) async throws {
        try queue.inner.addTenant("acme", base: 1, recipe: 1)
        try queue.inner.record(6, of: "u-1", tenant: "acme")
        var configuration = WorkerConfiguration(name: "w-1")
        configuration.heartbeatSeconds = 0.1
        configuration.drainSeconds = 1
        var options = ConnectionOptions()
        options.reconnect = .none
        let pool = ConnectionPool("host=/nowhere", options: options)
        let drain = DrainSwitch()
        let worker = try Worker(
            configuration, queue: queue, inputs: AdaptationInputs(pool), store: MemoryObjectStore(),
            encoder: TextEncoder(BaseFolder.open(try #require(baseFolder))), drain: drain,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let running = Task { try await worker.run() }
        let end = ContinuousClock.now + .seconds(20)
        while try await !holds(), ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await holds(), "it never came to that")
        drain.begin()
        try await running.value
        await pool.close()
    }

    @Test("a chunk that cannot be given up while the queue is away is handed back by a later heartbeat, at no cost")
    func abandoned() async throws {
        let queue = UnsteadyQueue()
        queue.lostPublishes.withLock { $0 = 2 }
        let job = Mutex<Int64>(0)
        try await work(on: queue) {
            if job.withLock({ $0 }) == 0 {
                let id = try await queue.enqueue(NewJob(tenant: "acme", user: "u-1"))
                job.withLock { $0 = id }
            }
            return !queue.handedBack.withLock { $0.isEmpty }
        }
        let status = try #require(try await queue.job(job.withLock { $0 }))
        #expect(status.state != .running && status.tries == 0, "\(status)")
        #expect(queue.registered.withLock { $0.count } == 1)
    }

    @Test("a worker that lost the reply to a claim starts over, so that what it was given can be rescued at once")
    func lostClaim() async throws {
        let queue = UnsteadyQueue()
        queue.lostClaims.withLock { $0 = 1 }
        let job = Mutex<Int64>(0)
        try await work(on: queue) {
            if job.withLock({ $0 }) == 0 {
                let id = try await queue.enqueue(NewJob(tenant: "acme", user: "u-1"))
                job.withLock { $0 = id }
            }
            return queue.registered.withLock { $0.count } == 2
        }
        #expect(try await queue.rescue(limit: 10).map(\.requeued) == [1])
        let status = try #require(try await queue.job(job.withLock { $0 }))
        #expect(status.state != .running && status.tries == 0, "\(status)")
    }

    @Test("a lane whose claims all fail is put off, and the other lanes are worked on")
    func brokenLane() async throws {
        let queue = UnsteadyQueue(breaksALane: true)
        try await work(on: queue) { queue.asked.withLock { $0.count > 8 } }
        let broken = try #require(queue.brokenLane.withLock { $0 })
        let asked = queue.asked.withLock { $0 }
        #expect(try #require(asked[broken]) <= 4, "\(asked)")
    }
}
