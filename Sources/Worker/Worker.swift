import AsyncAlgorithms
import Blocking
public import Logging
public import Model
public import ObjectStore
import Problem
public import Queue
public import Registry
import Synchronization

/// Turns claimed chunks into stored artifacts, outcomes, revisions and pointers.
///
/// Three overlapped stages, each bounded (DESIGN section 5): *fetch* (claim, users' data), *adapt* (one compute thread a
/// core), *deliver* (encode, upload, publish). A channel between two stages holds one delivery, so that a slow stage
/// stops the ones before it and no more is leased than is soon worked on. What has many texts to embed goes past the
/// others in a lane of its own (``ColdLane``).
public final class Worker: Sendable {
    /// What it did since it started.
    public struct Totals: Sendable, Equatable {
        /// Users with a new revision.
        public var completed = 0
        /// Users whose old state was kept.
        public var kept = 0
        /// Jobs that run again, or ended without success.
        public var failed = 0
        /// Jobs whose chunk another worker has by now.
        public var lostChunks = 0
    }

    /// Users and busy time by stage.
    public let stages = StageClock()

    let configuration: WorkerConfiguration
    let queue: any QueueStore
    let fetching: FetchStage
    let adapting: AdaptStage
    let judging: JudgeStage
    let bases: BaseShelf
    let delivering: DeliverStage
    let grading: GradientStage
    let drain: DrainSwitch
    let inHand = ChunksInHand()
    let statistics = StatisticsLedger()
    let logger: Logger
    let faults: FaultHandler
    let orders = Mutex<WorkerOrders?>(nil)
    let workerID = Mutex<Int64>(0)
    /// Whether the reply to a claim was lost: the queue may count chunks as this worker's that it knows nothing of.
    let claimIsInDoubt = Mutex(false)
    /// The low-water marks of the lanes, as of the last second.
    let laneMarks = Mutex<[Int32: LaneMark]>([:])
    private let sums = Mutex(Totals())

    /// Assembles a worker; nothing is registered or claimed before ``run()``.
    ///
    /// - Parameters:
    ///   - encoder: a base that it holds.
    ///   - others: further bases; work under any other is passed on to a worker that holds it.
    /// - Throws: `configuration_wrong`.
    public init(
        _ configuration: WorkerConfiguration, queue: any QueueStore, inputs: AdaptationInputs, store: any ObjectStore,
        encoder: TextEncoder, alsoHolding others: [TextEncoder] = [], drain: DrainSwitch = DrainSwitch(),
        logger: Logger,
        faults: @escaping FaultHandler = { _ in }
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.queue = queue
        self.drain = drain
        self.logger = logger
        self.faults = faults
        let caches = TextCaches(byteLimit: configuration.cacheBytes)
        let workspaces = EncoderWorkspaces(prefixes: caches.prefixes)
        bases = BaseShelf([encoder] + others, cache: caches.features)
        let shelf = RecipeShelf(inputs: inputs, bases: bases)
        let threads = ComputeThreads(count: configuration.computeThreads)
        let briefs = CampaignBriefs(inputs: inputs)
        fetching = FetchStage(
            inputs: inputs, examples: ExamplesReader(inputs: inputs, store: store),
            shelf: shelf, items: ItemDirectory(), caches: caches, briefs: briefs,
            deltas: DeltaReader(inputs: inputs, store: store, shelf: shelf))
        adapting = AdaptStage(bases: bases, threads: threads, workspaces: workspaces)
        judging = JudgeStage(
            inputs: inputs, shelf: shelf, bases: bases, threads: threads, briefs: briefs, finders: adapting.finders,
            workspaces: workspaces)
        delivering = DeliverStage(queue: queue, store: store, clock: stages, faults: faults)
        grading = GradientStage(queue: queue, store: store, threads: threads, clock: stages, faults: faults)
    }

    /// What it did so far.
    public var totals: Totals { sums.withLock { $0 } }

    /// Works until it is drained, or until nothing is left when it stops when idle.
    ///
    /// On the way out everything unfinished is handed back, costing its jobs no try.
    public func run() async throws {
        try await register()
        defer { logger.info("stopped", metadata: ["completed": "\(totals.completed)", "kept": "\(totals.kept)"]) }
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask { try await self.beat() }
                group.addTask { try await self.work() }
                group.addTask { try await self.sampleLanes() }
                group.addTask { try await self.limitDrain() }
                // The first that ends for good ends the others: the pipeline when it is empty, or the limit of a drain.
                while let isOver = try await group.next() { if isOver { break } }
                drain.begin()
                group.cancelAll()
            }
        } catch {
            try await leave()
            throw error
        }
        try await leave()
    }

    func register() async throws {
        let registration = try await queue.registerWorker(name: configuration.name, version: "0.1.0")
        try configuration.check(leaseSeconds: registration.leaseSeconds)
        try await queue.setBases(bases.digests, ofWorker: registration.workerID)
        workerID.withLock { $0 = registration.workerID }
        logger.info("registered", metadata: ["worker_id": "\(registration.workerID)"])
    }

    /// Fetch, adapt and deliver, connected by channels; returns when the last delivery is published.
    private func work() async throws -> Bool {
        let fetched = AsyncChannel<FetchedDelivery>()
        let cold = ColdLane(userLimit: 2 * configuration.jobsPerClaim)
        let adapted = AsyncChannel<AdaptedDelivery>()
        let gradients = AsyncChannel<ClaimedChunk>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer {
                    fetched.finish()
                    cold.finish()
                    gradients.finish()
                }
                try await self.claimUntilDrained { chunks in
                    if chunks[0].kind == MetaRunQueue.kind {
                        for chunk in chunks { await gradients.send(chunk) }
                    } else if let delivery = await self.fetch(chunks) {
                        if ColdLane.takes(delivery) { await cold.put(delivery) } else { await fetched.send(delivery) }
                    }
                }
            }
            // One more than compute, so that a core need not wait for an object.
            for _ in 0...configuration.computeThreads {
                group.addTask { for await chunk in gradients { await self.grade(chunk) } }
            }
            group.addTask {
                defer { adapted.finish() }
                await withTaskGroup(of: Void.self) { lanes in
                    lanes.addTask { await self.adaptAll(fetched, into: adapted) }
                    lanes.addTask { await self.adaptAll(cold.deliveries, into: adapted) { cold.note(done: $0) } }
                }
            }
            for _ in 0..<configuration.deliveriesInFlight {
                group.addTask { for await delivery in adapted { await self.deliver(delivery) } }
            }
            try await group.waitForAll()
        }
        return true
    }

    private func adaptAll<Deliveries: AsyncSequence<FetchedDelivery, Never>>(
        _ deliveries: Deliveries, into adapted: AsyncChannel<AdaptedDelivery>,
        afterEach note: @Sendable (FetchedDelivery) -> Void = { _ in }
    ) async {
        for await delivery in deliveries {
            if let done = await adapt(delivery) { await adapted.send(done) }
            note(delivery)
        }
    }

    private func adapt(_ delivery: FetchedDelivery) async -> AdaptedDelivery? {
        do {
            let (embedded, embedMilliseconds) = try await stages.time(.embed, users: { $0.users.count }) {
                try await adapting.embed(delivery)
            }
            var (adapted, adaptMilliseconds) = try await stages.time(.adapt, users: { $0.adaptations.count }) {
                try await adapting.adapt(embedded)
            }
            adapted.adaptMilliseconds = embedMilliseconds + adaptMilliseconds
            // Before the publish: once a campaign has no job left, everyone that could be judged has been.
            _ = try await stages.time(.judge, users: { $0 }) { try await judging.judge(adapted) }
            return adapted
        } catch {
            await giveUp(delivery.chunks, because: error)
            return nil
        }
    }

    /// Computes gradients of a meta-training that a chunk asks for.
    private func grade(_ chunk: ClaimedChunk) async {
        let start = ContinuousClock.now
        do {
            let (delivery, report) = try await grading.work(chunk)
            statistics.add(WorkStatistics(of: delivery, chunks: [chunk], outcome: report))
            inHand.finish([chunk], stageMilliseconds: (ContinuousClock.now - start).seconds * 1000)
            note(report)
        } catch {
            await giveUp([chunk], because: error)
        }
    }

    private func deliver(_ adapted: AdaptedDelivery) async {
        let start = ContinuousClock.now
        do {
            let (delivery, report) = try await delivering.deliver(adapted)
            statistics.add(WorkStatistics(of: delivery, chunks: adapted.fetched.chunks, outcome: report))
            inHand.finish(
                adapted.fetched.chunks,
                stageMilliseconds: Double(adapted.fetched.fetchMilliseconds + adapted.adaptMilliseconds)
                    + (ContinuousClock.now - start).seconds * 1000)
            note(report)
        } catch {
            await giveUp(adapted.fetched.chunks, because: error)
        }
    }

    func note(_ report: PublishReport) {
        sums.withLock { sums in
            sums.completed += report.completed
            sums.kept += report.kept
            sums.failed += report.retried + report.discarded
            sums.lostChunks += report.lostChunks.count
        }
        if !report.lostChunks.isEmpty {
            logger.warning("lease lost", metadata: ["chunks": "\(report.lostChunks)"])
        }
    }

    private func leave() async throws {
        let fences = inHand.fences
        // In a task of its own: a cancelled worker still hands back.
        let id = workerID.withLock { $0 }
        try await Task { [queue] in
            if !fences.isEmpty { try await queue.handBack(fences) }
            try await queue.setState(.stopped, ofWorker: id)
            await self.reportStatistics()
        }.value
    }
}
