/// A place in the order of a lane: chunks with a larger (key, id) come after it.
public struct LaneMark: Sendable, Hashable, Comparable {
    /// The fair tag.
    public var sortKey: Int64
    /// The chunk, among equal tags.
    public var chunkID: Int64

    /// Makes a mark.
    public init(sortKey: Int64, chunkID: Int64) {
        self.sortKey = sortKey
        self.chunkID = chunkID
    }

    /// Before every chunk.
    public static let start = LaneMark(sortKey: .min, chunkID: -1)

    /// The order of claims.
    public static func < (one: LaneMark, other: LaneMark) -> Bool {
        (one.sortKey, one.chunkID) < (other.sortKey, other.chunkID)
    }
}

/// What a claim could see, for a later one to look for the rest; only the store that gave it can read it.
///
/// It names the transactions that were open and where later ones begin. The oldest open one alone would not do: while a
/// transaction stays open for hours, everything inserted in those hours would be looked through time and again.
public struct Horizon: Sendable, Hashable {
    /// As the store writes it.
    public let text: String

    /// Makes a horizon; stores do, and tests.
    public init(_ text: String) { self.text = text }
}

/// What a worker asks of one lane.
public struct ClaimRequest: Sendable {
    /// The worker, registered and with a lease that has not run out.
    public var workerID: Int64
    /// The lane, or ``parkedLane``.
    public var lane: Int32
    /// Chunks are taken until their estimated work reaches this, in milliseconds of a reference worker; at least one is.
    public var costBudgetMilliseconds: Float = 2000
    /// Chunks are taken until they hold this many jobs; the last one may go past it.
    public var jobBudget: Int32 = 500
    /// Where to go on; a hint that saves reading what was claimed before.
    public var mark = LaneMark.start
    /// Instead of what comes after the mark: what lies before it and was not to be seen then.
    public var lateSince: Horizon?
    /// Nothing is taken, whatever the budgets: the reply says what waits first, and what later sweeps start from.
    public var isLook = false

    /// Instead of a lane: chunks of limited tenants that wait for room. Every worker looks here; who has room takes some.
    public static let parkedLane: Int32 = -1

    /// Makes a request with the default budgets, from the lane's start.
    public init(workerID: Int64, lane: Int32) {
        self.workerID = workerID
        self.lane = lane
    }
}

/// What a claim gave.
public struct ClaimResult: Sendable {
    /// The chunks that the worker now holds, in the order of the lane. None is without jobs.
    public var chunks: [ClaimedChunk]
    /// Jobs that ended in the claim itself: merged, covered, or of an erased user.
    public var endedJobs: Int
    /// The same by tenant, flow and ending.
    public var statistics = WorkStatistics()
    /// How far the claim got: the last chunk it took, else the request's mark.
    public var mark: LaneMark
    /// The next chunk that waits after the mark.
    public var next: LaneMark?
    /// What this claim could see at least: what else is inserted may appear before the mark.
    public var horizon: Horizon
    /// Whether the lane's head is a chunk that has crashed two workers and is given only to one that holds nothing
    /// else. Finish what is in hand, then claim this lane again; until then other lanes go on.
    public var needsEmptyHands: Bool

    /// Makes a result; stores do.
    public init(
        chunks: [ClaimedChunk], endedJobs: Int, mark: LaneMark, next: LaneMark?, horizon: Horizon, needsEmptyHands: Bool
    ) {
        self.chunks = chunks
        self.endedJobs = endedJobs
        self.mark = mark
        self.next = next
        self.horizon = horizon
        self.needsEmptyHands = needsEmptyHands
    }
}

/// Up to 256 jobs of one tenant and kind, leased to one worker, with the base and recipe they are to use.
public struct ClaimedChunk: Sendable {
    /// What every later write about it must show.
    public var fence: Fence
    /// The tenant's id.
    public var tenantID: Int32
    /// The tenant's name.
    public var tenant: String
    /// First component of the keys of the tenant's objects.
    public var keyPrefix: String
    /// The tenant's flow that it waited in, as a row.
    public var flowID: Int32
    /// What is asked for.
    public var kind: String
    /// The base, as a row.
    public var baseID: Int32
    /// The base's digest, hex SHA-256.
    public var baseDigest: String
    /// The recipe, as a row.
    public var recipeID: Int32
    /// The recipe's digest, hex SHA-256.
    public var recipeDigest: String
    /// The campaign that fed it.
    public var campaignID: Int32?
    /// Leases of its lineage that ended without a word from the worker. From 2 on it holds one job and runs alone.
    public var crashes: Int16
    /// Its place in the lane.
    public var place: LaneMark
    /// Seconds from the claim after which it is taken back even from a worker that lives.
    public var deadlineSeconds: Double
    /// Its estimated work, in milliseconds of a reference worker.
    public var costMilliseconds: Float
    /// The jobs, at most one a user.
    public var jobs: [ClaimedJob]
}

/// One job of a claimed chunk, with what its user had when it was claimed.
public struct ClaimedJob: Sendable, Hashable {
    /// The job.
    public var jobID: Int64
    /// The chunk it is in now.
    public var chunkID: Int64
    /// The user's id in all tables.
    public var uid: Int64
    /// The tenant's own id of the user.
    public var user: String
    /// The user's epoch; the publish is refused when it has risen, that is, the user was erased.
    public var epoch: Int32
    /// The revision that the user has; the publish is superseded when it has changed.
    public var parentRevision: Int64?
    /// Number of examples recorded when it was claimed. There may be more when the data is fetched.
    public var dataSeq: Int64
    /// Failed tries so far.
    public var tries: Int16
    /// The producer's bytes.
    public var payload: [UInt8]?
}
