import Glibc
import Problem

extension MemoryQueueStore {
    /// See ``QueueStore/registerWorker(name:version:)``.
    public func registerWorker(name: String, version: String) async throws -> WorkerRegistration {
        try transaction { queue in
            let id = Int64(queue.workers.count + 1)
            queue.workers[id] = .init(leaseUntil: queue.now + Double(MemoryQueue.leaseSeconds))
            return WorkerRegistration(workerID: id, leaseSeconds: MemoryQueue.leaseSeconds)
        }
    }

    /// See ``QueueStore/heartbeat(_:)``.
    public func heartbeat(_ heartbeat: Heartbeat) async throws -> WorkerOrders {
        try transaction { queue in
            guard let worker = queue.workers[heartbeat.workerID], worker.state != .stopped else {
                throw Problem(
                    "worker_gone", at: "worker \(heartbeat.workerID)", "no such worker runs.", do: "register again")
            }
            queue.workers[heartbeat.workerID]?.leaseUntil = queue.now + Double(MemoryQueue.leaseSeconds)
            return WorkerOrders(
                state: worker.state, leaseSeconds: MemoryQueue.leaseSeconds, lanes: worker.lanes.sorted(),
                hasLeader: false, speed: queue.learn(heartbeat))
        }
    }

    /// See ``QueueStore/setState(_:ofWorker:)``.
    @discardableResult
    public func setState(_ state: WorkerState, ofWorker workerID: Int64) async throws -> Bool {
        try transaction { queue in
            guard let worker = queue.workers[workerID], worker.state != .stopped,
                worker.state != .draining || state == .draining || state == .stopped
            else { return false }
            queue.workers[workerID]?.state = state
            if state != .active { queue.workers[workerID]?.lanes = [] }
            if state == .stopped { queue.workers[workerID]?.leaseUntil = queue.now }
            return true
        }
    }

    /// See ``QueueStore/adoptLanes(workerID:)``.
    @discardableResult
    public func adoptLanes(workerID: Int64) async throws -> Int {
        try transaction { queue in
            let alive = queue.workers.filter { $0.value.state == .active && $0.value.leaseUntil > queue.now }
            guard alive[workerID] != nil else { return 0 }
            let share = (MemoryQueue.lanes.count + alive.count - 1) / alive.count
            var mine = (queue.workers[workerID]?.lanes ?? []).sorted().prefix(share)
            let owned = Set(alive.filter { $0.key != workerID }.values.flatMap(\.lanes)).union(mine)
            let adopted = MemoryQueue.lanes.filter { !owned.contains($0) }.prefix(share - mine.count)
            mine += adopted
            queue.workers[workerID]?.lanes = Set(mine)
            return adopted.count
        }
    }

    /// See ``QueueStore/sampleLanes(workerID:marks:)``. Everything is counted, and no estimate is corrected.
    @discardableResult
    public func sampleLanes(workerID: Int64, marks: [Int32: LaneMark]) async throws -> [LaneSample] {
        try transaction { queue in marks.sorted { $0.key < $1.key }.map { queue.sample($0.key, from: $0.value) } }
    }

    /// See ``QueueStore/lanesToHelp(workerID:limit:)``.
    public func lanesToHelp(workerID: Int64, limit: Int) async throws -> [Int32: LaneMark] {
        try transaction { queue in
            let own = queue.workers[workerID]?.lanes ?? []
            let late = queue.samples.filter { lane, sample in
                sample.waiting > 0 && !own.contains(lane)
                    && (sample.headAt ?? .infinity) < queue.now - MemoryQueue.helpSeconds
            }
            return Dictionary(uniqueKeysWithValues: late.shuffled().prefix(limit).map { ($0.key, $0.value.mark) })
        }
    }
}

extension MemoryQueue {
    /// Takes what a heartbeat says of work done; returns the worker's speed, by the rule of `attune.heartbeat`.
    mutating func learn(_ heartbeat: Heartbeat) -> Float? {
        let before = workers[heartbeat.workerID]?.speed
        guard let done = heartbeat.work, done.busyMilliseconds > 0,
            done.busyMilliseconds >= 0.5 * done.spanMilliseconds
        else { return before }
        let work = done.shares.reduce(0) { $0 + $1.estimatedMilliseconds }
        guard work > 0 else { return before }
        let now = Float(work / done.busyMilliseconds)
        let speed = before.map { $0 + (now - $0) * Float(1 - exp(-done.busyMilliseconds / 15000)) } ?? now
        workers[heartbeat.workerID]?.speed = min(1000, max(0.001, speed))
        return workers[heartbeat.workerID]?.speed
    }

    /// Counts what waits in a lane after a mark, and remembers it.
    mutating func sample(_ lane: Int32, from mark: LaneMark) -> LaneSample {
        let waiting = chunks.values.filter { $0.lane == lane && $0.state == .ready && $0.mark > mark }
        let jobs = waiting.reduce(0) { $0 + open($1).count }
        let cost = waiting.reduce(0.0) { $0 + Double($1.cost) * Double(open($1).count) / Double($1.members.count) }
        samples[lane] = (mark, Int64(jobs), waiting.map(\.enqueuedAt).min())
        return LaneSample(lane: lane, waiting: Int64(jobs), costMilliseconds: cost, isExact: true)
    }
}
