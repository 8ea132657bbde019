import FoundationEssentials
import Problem

/// The rules of the queue over dictionaries: what ``MemoryQueueStore`` guards with a lock.
struct MemoryQueue {
    enum ChunkState { case ready, leased, deferred, parked, closed }

    struct Tenant {
        var id: Int32
        var name: String
        /// Base and recipe, once active; digests are made up from the ids.
        var active: (base: Int32, recipe: Int32)?
        var drawn: [Flow: Int64] = [:]
    }

    struct Pointer: Equatable {
        var revisionID: Int64?
        var number: Int32
        var recipeID: Int32
        var judgedThrough: Int64
    }

    struct User {
        var tenantID: Int32
        var name: String?
        var epoch: Int32 = 1
        var dataSeq: Int64 = 0
        var pointers: [Int32: Pointer] = [:]
    }

    struct Job {
        var id: Int64
        var uid: Int64
        var tenantID: Int32
        var flow: Flow
        var kind: String
        var cost: Float
        var payload: [UInt8]?
    }

    struct Member: Equatable {
        var jobID: Int64
        var tries: Int16 = 0
        var superseded: Int16 = 0
    }

    struct Chunk {
        var id: Int64
        var key: Int64
        var born: Int64
        var lane: Int32
        var tenantID: Int32
        var flow: Flow
        var kind: String
        var cost: Float
        var state = ChunkState.ready
        var members: [Member]
        var attempt: Int32 = 0
        var token: UUID?
        var workerID: Int64?
        var baseID: Int32 = 0
        var recipeID: Int32 = 0
        var deadline = 0.0
        var runAt: Double?
        var crashes: Int16 = 0
        var crashWorkers: Set<Int64> = []
        var waits = 0
        /// When it came into its lane; older than its jobs where they ran before.
        var enqueuedAt: Double

        var mark: LaneMark { LaneMark(sortKey: key, chunkID: id) }
    }

    struct Outcome {
        var state: JobState
        var attempt: Int32
        var tries: Int16
        var errorClass: String?
        var message: String?
        var revision: Int32?
        var mergedInto: Int64?
    }

    struct Try {
        var errorClass: String
        var message: String?
    }

    struct Worker {
        var state = WorkerState.active
        var leaseUntil: Double
        var lanes: Set<Int32> = []
        var bases: Set<String> = []
        var speed: Float?
    }

    static let leaseSeconds = 30
    static let helpSeconds = 15.0
    static let deadlineSeconds = 300.0
    static let jobsInChunk = 100
    static let jobCost: Float = 5
    static let weights: [Flow: Double] = [.interactive: 10, .bulk: 3, .campaign: 1]
    /// By priority: how many jobs of its flow a job goes ahead of; and the most that it may go ahead at all.
    static let priorityBonus: [Double] = [0, 100, 1000, 10_000]
    static let priorityCap = 1_000_000.0
    static let lanes = (0..<16).map { Int32(65536 + $0) }

    var now: Double
    var tenants: [Int32: Tenant] = [:]
    var users: [Int64: User] = [:]
    var jobs: [Int64: Job] = [:]
    var chunks: [Int64: Chunk] = [:]
    var outcomes: [Int64: Outcome] = [:]
    var lastTries: [Int64: Try] = [:]
    var workers: [Int64: Worker] = [:]
    /// The job that repeats an ended one.
    var repeats: [Int64: Int64] = [:]
    var statistics = WorkStatistics()
    /// Worker and beat of every report that was counted.
    var reports: Set<[Int64]> = []
    var dedup: [String: (jobID: Int64, same: String)] = [:]
    var limits: [LimitKey: Limit] = [:]
    var nextChunkID: Int64 = 1
    var nextRevisionID: Int64 = 1
    /// The newest sample of each lane, with the mark it was taken from.
    var samples: [Int32: (mark: LaneMark, waiting: Int64, headAt: Double?)] = [:]
    /// Counts changes, as transaction numbers do.
    var change: Int64 = 1

    func tenant(named name: String) throws -> Tenant {
        guard let tenant = tenants.values.first(where: { $0.name == name }) else {
            throw Problem("unknown_tenant", at: name, "no tenant of that name.", do: "check the name")
        }
        return tenant
    }

    func user(_ name: String, of tenant: Tenant) throws -> Int64 {
        guard let uid = users.first(where: { $0.value.tenantID == tenant.id && $0.value.name == name })?.key else {
            throw Problem(
                "unknown_user", at: tenant.name, "no user '\(Problem.excerpt(name))'.",
                do: "record examples of the user first")
        }
        return uid
    }

    /// The next fair tag of a flow, and as many draws as there are jobs.
    mutating func drawTag(_ flow: Flow, of tenantID: Int32, jobs: Int) -> Int64 {
        let first = (tenants[tenantID]?.drawn[flow] ?? 0) + 1
        tenants[tenantID]?.drawn[flow] = first + Int64(jobs) - 1
        return Int64((Double(first) * 1000 / (Self.weights[flow] ?? 1)).rounded())
    }

    /// How much smaller than its fair tag the key of a job is.
    static func bonus(_ priority: Int32, of flow: Flow) -> Int64 {
        Int64(min(priorityBonus[Int(priority)] * 1000 / (weights[flow] ?? 1), priorityCap))
    }

    /// `attune.cost_share`.
    static func costShare(examples: Int64) -> Float { Float(max(32, min(128, examples))) / 32 }

    /// Makes a chunk of new jobs; ids carry the chunk's.
    mutating func insert(
        _ entries: [(uid: Int64, payload: [UInt8]?)], _ tenant: Tenant, _ flow: Flow, _ kind: String, cost: Float?,
        runAt: Double?, lane: Int32?, priority: Int32 = 0
    ) -> [Int64] {
        let chunkID = nextChunkID
        nextChunkID += 1
        let share = entries.reduce(0) { $0 + Self.costShare(examples: users[$1.uid]?.dataSeq ?? 0) }
        let each = cost ?? Self.jobCost * share / Float(max(1, entries.count))
        let ids = entries.indices.map { chunkID * 1024 + Int64($0) }
        for (id, entry) in zip(ids, entries) {
            jobs[id] = Job(
                id: id, uid: entry.uid, tenantID: tenant.id, flow: flow, kind: kind, cost: each, payload: entry.payload)
        }
        var chunk = Chunk(
            id: chunkID, key: drawTag(flow, of: tenant.id, jobs: ids.count) - Self.bonus(priority, of: flow),
            born: change,
            lane: lane ?? Self.lanes[Int(chunkID) % Self.lanes.count], tenantID: tenant.id, flow: flow, kind: kind,
            cost: each * Float(ids.count), members: ids.map { Member(jobID: $0) }, enqueuedAt: now)
        if let runAt, runAt > now { (chunk.state, chunk.runAt) = (.deferred, runAt) }
        chunks[chunkID] = chunk
        return ids
    }

    /// Puts jobs of a chunk that is being closed into a new one, ready or deferred.
    mutating func requeue(_ source: Chunk, _ members: [Member], runAt: Double?) {
        guard !members.isEmpty else { return }
        var chunk = source
        chunk.id = nextChunkID
        nextChunkID += 1
        chunk.members = members
        chunk.cost = source.cost * Float(members.count) / Float(source.members.count)
        (chunk.born, chunk.attempt, chunk.token, chunk.workerID) = (change, 0, nil, nil)
        (chunk.state, chunk.runAt) = (runAt == nil ? .ready : .deferred, runAt)
        chunks[chunk.id] = chunk
    }

    /// Members that have not ended.
    func open(_ chunk: Chunk) -> [Member] { chunk.members.filter { outcomes[$0.jobID] == nil } }

    /// The open chunk that holds a job.
    func chunk(holding jobID: Int64) -> Chunk? {
        chunks.values.first { $0.state != .closed && $0.members.contains { $0.jobID == jobID } }
    }
}
