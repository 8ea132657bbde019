public import FoundationEssentials
import Problem
import Synchronization

/// The queue in memory: the same rules, for tests of what stands on it. Slow, and gone with the process.
public final class MemoryQueueStore: QueueStore {
    private let state: Mutex<MemoryQueue>
    private let clock: @Sendable () -> Date
    private let policy: RetryPolicy

    /// Makes an empty queue.
    public init(retryPolicy: RetryPolicy = RetryPolicy(), clock: @escaping @Sendable () -> Date = { Date() }) {
        self.clock = clock
        policy = retryPolicy
        state = Mutex(MemoryQueue(now: 0))
    }

    /// One call, as one transaction: at a time of the clock, and without effect when it throws.
    func transaction<Result: Sendable>(_ body: (inout MemoryQueue) throws -> Result) throws -> Result {
        try state.withLock { current in
            var next = current
            next.now = max(current.now, clock().timeIntervalSince1970)
            next.change += 1
            let result = try body(&next)
            current = next
            return result
        }
    }

    /// Digest of a base or recipe by its id, as claims report it.
    public static func digest(_ id: Int32) -> String {
        let hex = String(id, radix: 16)
        return String(repeating: "0", count: 64 - hex.count) + hex
    }

    /// Makes a tenant; without base and recipe its jobs are put off.
    public func addTenant(_ name: String, base: Int32? = nil, recipe: Int32? = nil) throws {
        try transaction { queue in
            let id = Int32(queue.tenants.count + 1)
            var tenant = MemoryQueue.Tenant(id: id, name: name)
            if let base, let recipe { tenant.active = (base, recipe) }
            queue.tenants[id] = tenant
        }
    }

    /// Sets what a tenant's jobs use from their next claim on.
    public func activate(base: Int32, recipe: Int32, for tenant: String) throws {
        try transaction { queue in
            let id = try queue.tenant(named: tenant).id
            queue.tenants[id]?.active = (base, recipe)
        }
    }

    /// Adds examples of a user, making the user if need be; returns how many there are now.
    @discardableResult
    public func record(_ examples: Int, of user: String, tenant: String) throws -> Int64 {
        try transaction { queue in
            let tenant = try queue.tenant(named: tenant)
            let known = queue.users.first { $0.value.tenantID == tenant.id && $0.value.name == user }?.key
            let uid = known ?? Int64(queue.users.count + 1)
            var row = queue.users[uid] ?? MemoryQueue.User(tenantID: tenant.id, name: user)
            row.dataSeq += Int64(examples)
            queue.users[uid] = row
            return row.dataSeq
        }
    }

    /// Erases a user: the name and everything known go, the epoch rises.
    public func erase(_ user: String, tenant: String) throws {
        try transaction { queue in
            let uid = try queue.user(user, of: try queue.tenant(named: tenant))
            queue.users[uid]?.name = nil
            queue.users[uid]?.epoch += 1
            queue.users[uid]?.dataSeq = 0
            queue.users[uid]?.pointers = [:]
        }
    }

    /// The number of a user's current revision under the active base; nil: the recipe's start.
    public func revision(of user: String, tenant: String) throws -> Int32? {
        try transaction { queue in
            let tenant = try queue.tenant(named: tenant)
            let row = queue.users[try queue.user(user, of: tenant)]
            guard let base = tenant.active?.base, let pointer = row?.pointers[base], pointer.revisionID != nil else {
                return nil
            }
            return pointer.number
        }
    }

    /// Ends a worker's lease, as if it had not been heard of.
    public func expireLease(ofWorker workerID: Int64) throws {
        try transaction { $0.workers[workerID]?.leaseUntil = -.infinity }
    }

    /// Makes everything that waits for a time due.
    public func makeDeferredDue() throws {
        try transaction { queue in
            for (id, chunk) in queue.chunks where chunk.state == .deferred { queue.chunks[id]?.runAt = queue.now }
        }
    }

    /// Sets how many jobs of a tenant may run, and how many may be claimed a second; nil lifts that limit.
    public func setLimit(of tenant: String, maxRunning: Int?, jobsPerSecond: Double?) throws {
        try transaction { queue in
            let key = MemoryQueue.LimitKey(tenantID: try queue.tenant(named: tenant).id, kind: nil)
            var limit = queue.limits[key] ?? .init()
            (limit.maxRunning, limit.rate, limit.refilledAt) = (maxRunning, jobsPerSecond, queue.now)
            queue.limits[key] = limit.isNone ? nil : limit
        }
    }

    /// Lets nothing more of a tenant, or of one kind of its jobs, be claimed, or ends that.
    public func setPaused(_ isPaused: Bool, tenant: String, kind: String? = nil) throws {
        try transaction { queue in
            let key = MemoryQueue.LimitKey(tenantID: try queue.tenant(named: tenant).id, kind: kind)
            var limit = queue.limits[key] ?? .init()
            limit.isPaused = isPaused
            queue.limits[key] = limit.isNone ? nil : limit
        }
    }

    /// See ``QueueStore/enqueue(_:)-(NewJob)``.
    public func enqueue(_ job: NewJob) async throws -> Int64 {
        try transaction { queue in
            let tenant = try queue.tenant(named: job.tenant)
            let uid = try queue.user(job.user, of: tenant)
            try Self.check(job, at: "\(job.tenant)/\(Problem.excerpt(job.user))")
            let same = "\(uid) \(job.kind) \(String(describing: job.payload))"
            let key = job.dedupKey.map { "\(tenant.id) \($0)" }
            if let key, let held = queue.dedup[key] {
                guard held.same == same else { throw Self.conflict(job, heldBy: held.jobID) }
                return held.jobID
            }
            let id = queue.insert(
                [(uid, job.payload)], tenant, job.flow, job.kind, cost: job.costMilliseconds,
                runAt: job.runAt?.timeIntervalSince1970, lane: queue.lane(for: uid), priority: job.priority)[0]
            if let key { queue.dedup[key] = (id, same) }
            return id
        }
    }

    private static func check(_ job: NewJob, at location: String) throws {
        if job.kind != "adapt" {
            throw Problem("unknown_kind", at: location, "no kind '\(Problem.excerpt(job.kind))'.", do: "say adapt")
        }
        guard MemoryQueue.priorityBonus.indices.contains(Int(job.priority)) else {
            throw Problem("bad_priority", at: location, "no priority \(job.priority).", do: "give 0 to 3")
        }
        if let payload = job.payload, payload.count > 65536 {
            throw Problem(
                "payload_too_long", at: location, "\(payload.count) bytes, the limit is 65536.",
                do: "store the data and pass a reference to it")
        }
        if let key = job.dedupKey, key.isEmpty || key.count > 1000 {
            throw Problem(
                "bad_dedup_key", at: location, "a dedup key has 1 to 1,000 characters.", do: "choose another key")
        }
    }

    private static func conflict(_ job: NewJob, heldBy held: Int64) -> Problem {
        Problem(
            "dedup_conflict", at: "\(job.tenant)/\(Problem.excerpt(job.user))",
            "key \(Problem.excerpt(job.dedupKey ?? "")) belongs to job \(held) with another payload.",
            do: "use a new key, or cancel that job first")
    }

    /// See ``QueueStore/enqueue(_:)-(Bulk)``.
    public func enqueue(_ bulk: Bulk) async throws -> BulkReport {
        try transaction { queue in
            let tenant = try queue.tenant(named: bulk.tenant)
            var report = BulkReport()
            var entries: [(uid: Int64, payload: [UInt8]?, key: String?, same: String)] = []
            var keys: [String: String] = [:]
            for (index, entry) in bulk.entries.enumerated() {
                do {
                    let uid = try queue.user(entry.user, of: tenant)
                    var job = NewJob(tenant: bulk.tenant, user: entry.user)
                    (job.kind, job.payload, job.dedupKey) = (bulk.kind, entry.payload, entry.dedupKey)
                    try Self.check(job, at: "\(bulk.tenant): row \(index + 1)")
                    let same = "\(uid) \(bulk.kind) \(String(describing: entry.payload))"
                    let key = entry.dedupKey.map { "\(tenant.id) \($0)" }
                    if let key, let held = queue.dedup[key]?.same ?? keys[key] {
                        guard held == same else { throw Self.conflict(job, heldBy: queue.dedup[key]?.jobID ?? 0) }
                        report.duplicates += 1
                        continue
                    }
                    if let key { keys[key] = same }
                    entries.append((uid, entry.payload, key, same))
                } catch let problem as Problem where bulk.keepsGoing {
                    report.rejected.append(.init(line: index + 1, errorClass: problem.errorClass))
                }
            }
            var ids: [Int64] = []
            for start in stride(from: 0, to: entries.count, by: MemoryQueue.jobsInChunk) {
                let part = entries[start..<min(start + MemoryQueue.jobsInChunk, entries.count)]
                ids += queue.insert(
                    part.map { ($0.uid, $0.payload) }, tenant, bulk.flow, bulk.kind, cost: bulk.costMilliseconds,
                    runAt: bulk.runAt?.timeIntervalSince1970, lane: nil)
                report.chunks += 1
            }
            for (id, entry) in zip(ids, entries) {
                if let key = entry.key { queue.dedup[key] = (id, entry.same) }
            }
            report.accepted = ids.count
            if let first = ids.first, let last = ids.last { report.jobIDs = first...last }
            return report
        }
    }

    /// See ``QueueStore/claim(_:)``.
    public func claim(_ request: ClaimRequest) async throws -> ClaimResult { try transaction { try $0.claim(request) } }

    /// See ``QueueStore/publish(_:)``.
    public func publish(_ delivery: Delivery) async throws -> PublishReport {
        try transaction { $0.publish(delivery, policy) }
    }

    /// See ``QueueStore/setBases(_:ofWorker:)``.
    public func setBases(_ digests: [String], ofWorker workerID: Int64) async throws {
        try transaction { $0.workers[workerID]?.bases = Set(digests) }
    }

    /// See ``QueueStore/passOn(_:reason:)``.
    @discardableResult
    public func passOn(_ chunks: [Fence], reason: String) async throws -> Int {
        try transaction { $0.passOn(chunks, reason) }
    }

    /// See ``QueueStore/record(_:)``.
    public func record(_ report: StatisticsReport) async throws {
        try transaction { queue in
            if queue.reports.insert([report.workerID, report.beat]).inserted {
                queue.statistics.add(report.statistics)
            }
        }
    }

    /// Everything that was reported.
    public func statistics() throws -> WorkStatistics { try transaction { $0.statistics } }

    /// See ``QueueStore/cancel(jobID:)``.
    public func cancel(jobID: Int64) async throws -> JobState { try transaction { try $0.cancel(jobID) } }

    /// See ``QueueStore/retry(jobID:)``.
    public func retry(jobID: Int64) async throws -> Int64 { try transaction { try $0.retry(jobID) } }

    /// See ``QueueStore/job(_:)``.
    public func job(_ jobID: Int64) async throws -> JobStatus? { try transaction { $0.status(jobID) } }

    /// See ``QueueStore/rescue(limit:)``.
    public func rescue(limit: Int = 100) async throws -> [RescuedChunk] { try transaction { $0.rescue(limit: limit) } }

    /// See ``QueueStore/wake(limit:)``.
    public func wake(limit: Int = 1000) async throws -> Int { try transaction { $0.wake(limit: limit) } }
}
