/// Where the queue is kept: PostgreSQL in earnest, memory in tests of what stands on it.
///
/// Leases are judged by the store's clock alone. Every write about claimed work shows its ``Fence``, and changes nothing
/// when the fence is over. Errors are `Problem`s, or convertible to them.
public protocol QueueStore: Sendable {
    /// Asks for one job and returns its id; the same dedup key again returns the same id.
    ///
    /// - Throws: `unknown_tenant`, `unknown_user`, `unknown_kind`, `dedup_conflict`, `payload_too_long`,
    ///   `bad_priority`.
    func enqueue(_ job: NewJob) async throws -> Int64
    /// Asks for many jobs, all in one transaction. Throws as ``enqueue(_:)-(NewJob)`` does, naming the first bad entry.
    func enqueue(_ bulk: Bulk) async throws -> BulkReport

    /// Makes a worker known. The same name again is another worker, which inherits nothing.
    func registerWorker(name: String, version: String) async throws -> WorkerRegistration
    /// Extends the lease of everything that the worker holds, and says what it is to do.
    ///
    /// - Throws: `worker_gone` when it was stopped or never was.
    func heartbeat(_ heartbeat: Heartbeat) async throws -> WorkerOrders
    /// Sets a worker active, draining or stopped; false when it had stopped before.
    @discardableResult func setState(_ state: WorkerState, ofWorker workerID: Int64) async throws -> Bool
    /// Gives a worker lanes that nobody alive owns, up to its fair share; for when no scheduler leads.
    @discardableResult func adoptLanes(workerID: Int64) async throws -> Int
    /// Measures what waits in lanes behind their low-water marks, and remembers it for plans and figures.
    @discardableResult
    func sampleLanes(workerID: Int64, marks: [Int32: LaneMark]) async throws -> [LaneSample]
    /// For a worker with nothing to do: at most `limit` lanes of others whose head has waited for too long, each with the
    /// mark to claim from.
    func lanesToHelp(workerID: Int64, limit: Int) async throws -> [Int32: LaneMark]

    /// Takes chunks of one lane. Resolves base and recipe, and coalesces: of one user's jobs in what is claimed the newest
    /// runs and the others end as merged; one whose data is covered ends as covered.
    ///
    /// - Throws: `worker_gone` when the worker's lease has run out: send a heartbeat first.
    func claim(_ request: ClaimRequest) async throws -> ClaimResult
    /// Ends chunks in one transaction: outcomes, revisions and pointers, and retry chunks for what did not end.
    ///
    /// Safe to repeat: what an earlier call with a lost reply did is reported as published before.
    func publish(_ delivery: Delivery) async throws -> PublishReport

    /// Says which bases a worker holds, by digest.
    func setBases(_ digests: [String], ofWorker workerID: Int64) async throws
    /// Gives chunks whose base this worker does not hold to one that does: into a lane of theirs, or back for a while that
    /// grows while there is none. Costs no try; returns how many chunks, those whose fence is over left out.
    @discardableResult func passOn(_ chunks: [Fence], reason: String) async throws -> Int
    /// Adds to the figures what a worker got done; the same report again counts once. Safe to send late, and to lose:
    /// figures are for people.
    func record(_ report: StatisticsReport) async throws

    /// Cancels a job and returns its terminal state, which is another one if it had ended before.
    func cancel(jobID: Int64) async throws -> JobState
    /// Runs a job again now and returns the id of the job that will run: a new one if it had ended. Asked again, the
    /// same new one, until that ends badly too.
    ///
    /// - Throws: `already_ended` when it ended well.
    func retry(jobID: Int64) async throws -> Int64
    /// One job as it stands; nil when there is none of that id.
    func job(_ jobID: Int64) async throws -> JobStatus?

    /// Takes back chunks whose worker's lease, or whose deadline, is over.
    func rescue(limit: Int) async throws -> [RescuedChunk]
    /// Makes deferred chunks ready whose time has come; returns how many.
    func wake(limit: Int) async throws -> Int
}

extension QueueStore {
    /// Gives chunks back unworked, for others to take at once; costs no try.
    @discardableResult
    public func handBack(_ chunks: [Fence]) async throws -> PublishReport {
        try await publish(Delivery(chunks: chunks, reports: []))
    }
}

/// A worker as the store knows it.
public struct WorkerRegistration: Sendable, Equatable {
    /// Its id, never given again.
    public var workerID: Int64
    /// How long it keeps what it holds without a heartbeat.
    public var leaseSeconds: Int

    /// Makes a registration; stores do.
    public init(workerID: Int64, leaseSeconds: Int) {
        self.workerID = workerID
        self.leaseSeconds = leaseSeconds
    }
}

/// What a worker is to do.
public enum WorkerState: String, Sendable {
    /// Claim and work.
    case active
    /// Claim nothing more until it is active again.
    case paused
    /// Claim nothing more, finish or hand back, end.
    case draining
    /// It has gone.
    case stopped
}

/// A chunk that was taken back.
public struct RescuedChunk: Sendable, Equatable {
    /// The chunk, closed now.
    public var chunkID: Int64
    /// Who held it.
    public var workerID: Int64
    /// `lease_expired` or `deadline_passed`.
    public var errorClass: String
    /// Jobs that run again.
    public var requeued: Int
    /// Jobs that ended as discarded: 0 or 1.
    public var discarded: Int

    /// Makes a row; stores do.
    public init(chunkID: Int64, workerID: Int64, errorClass: String, requeued: Int, discarded: Int) {
        self.chunkID = chunkID
        self.workerID = workerID
        self.errorClass = errorClass
        self.requeued = requeued
        self.discarded = discarded
    }
}
