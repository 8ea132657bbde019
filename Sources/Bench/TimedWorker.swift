public import Queue

/// A worker whose work takes its estimated cost in time, divided by a speed that is set: for measuring schedules without
/// measuring models. It claims, beats, samples and helps as a real one does, and publishes every job as kept.
public actor TimedWorker {
    private let queue: any QueueStore
    private let name: String
    private let speed: Double
    private let heartbeatSeconds: Double
    private let clock = ContinuousClock()
    private let start = ContinuousClock.now
    private var workerID: Int64 = 0
    private var meter = WorkMeter(at: 0)
    private var orders: WorkerOrders?
    private var schedule = LaneSchedule()
    private var progress: Int64 = 0
    private var inHand: [ClaimedChunk] = []
    private var publishing: Task<Void, any Error>?

    /// A worker of that speed: milliseconds of reference work a millisecond.
    public init(queue: any QueueStore, name: String, speed: Double, heartbeatSeconds: Double = 5) {
        self.queue = queue
        self.name = name
        self.speed = speed
        self.heartbeatSeconds = heartbeatSeconds
    }

    private var seconds: Double {
        let span = clock.now - start
        return Double(span.components.seconds) + Double(span.components.attoseconds) * 1e-18
    }

    /// Works until its task is cancelled, then stops in order.
    public func run() async throws {
        workerID = try await queue.registerWorker(name: name, version: "timed").workerID
        let id = workerID
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.beat() }
                group.addTask { try await self.sample() }
                group.addTask { try await self.work() }
                try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
            _ = await publishing?.result
            let fences = inHand.map(\.fence)
            try await Task { [queue] in
                if !fences.isEmpty { try await queue.handBack(fences) }
                try await queue.setState(.stopped, ofWorker: id)
            }.value
        }
    }

    private func beat() async throws {
        while true {
            let word = Heartbeat(
                workerID: workerID, progress: progress,
                jobsInHand: inHand.reduce(0) { $0 + Int32($1.jobs.count) },
                costInHandMilliseconds: inHand.reduce(0) { $0 + $1.costMilliseconds },
                work: meter.report(at: seconds))
            var answer = try await queue.heartbeat(word)
            if !answer.hasLeader, try await queue.adoptLanes(workerID: workerID) > 0 {
                answer = try await queue.heartbeat(
                    Heartbeat(workerID: workerID, progress: progress, jobsInHand: word.jobsInHand))
            }
            orders = answer
            try await Task.sleep(for: .seconds(heartbeatSeconds))
        }
    }

    private func sample() async throws {
        while true {
            try await Task.sleep(for: .seconds(2 * heartbeatSeconds))
            let marks = schedule.marks
            if !marks.isEmpty { try await queue.sampleLanes(workerID: workerID, marks: marks) }
        }
    }

    private func work() async throws {
        var help = HelpForOthers()
        var idleSeconds = 0.02
        while true {
            try Task.checkCancellation()
            schedule.setLanes(orders?.lanes ?? [], serverStart: orders?.serverStart)
            let now = seconds
            if let request = schedule.nextClaim(workerID: workerID, at: now) {
                let result = try await claim(request)
                schedule.note(result, of: request, at: now)
                if try await finish(result.chunks) { idleSeconds = 0.02 }
                continue
            }
            if help.wantsLanes(at: now) { help.note(try await queue.lanesToHelp(workerID: workerID, limit: 4)) }
            if let request = help.nextClaim(workerID: workerID) {
                let result = try await claim(request)
                help.note(result, of: request)
                if try await finish(result.chunks) { idleSeconds = 0.02 }
                continue
            }
            try await Task.sleep(for: .seconds(idleSeconds))
            idleSeconds = min(0.5, idleSeconds * 1.5)
        }
    }

    /// What it gets done in two seconds, as far as its speed is known; a chunk at least.
    private func claim(_ request: ClaimRequest) async throws -> ClaimResult {
        var request = request
        let speed = orders?.speed ?? meter.speed(at: seconds).map(Float.init) ?? 0.25
        (request.jobBudget, request.costBudgetMilliseconds) = (1000, max(1, speed * 2000))
        return try await queue.claim(request)
    }

    /// Takes the chunks' time, then publishes them while the next ones are worked on, as a worker's stages overlap;
    /// whether there was any.
    private func finish(_ chunks: [ClaimedChunk]) async throws -> Bool {
        guard !chunks.isEmpty else { return false }
        inHand += chunks
        meter.begin(at: seconds)
        let cost = chunks.reduce(0) { $0 + Double($1.costMilliseconds) }
        try await Task.sleep(for: .milliseconds(cost / speed))
        try await publishing?.value
        publishing = Task { try await publish(chunks, cost) }
        return true
    }

    private func publish(_ chunks: [ClaimedChunk], _ cost: Double) async throws {
        let reports = chunks.flatMap(\.jobs).map { JobReport($0, .kept(dataThrough: $0.dataSeq, Measurements())) }
        _ = try await queue.publish(Delivery(chunks: chunks.map(\.fence), reports: reports))
        let done = Set(chunks.map(\.fence))
        inHand.removeAll { done.contains($0.fence) }
        progress += 1
        meter.finish(
            tenantID: chunks[0].tenantID, kind: chunks[0].kind, estimatedMilliseconds: cost,
            stageMilliseconds: cost / speed)
        if inHand.isEmpty { meter.rest(at: seconds) }
    }
}
