/// The life of jobs, chunks and leases as a value: what PostgreSQL holds, what the store holds, what every worker
/// remembers and what is still on its way, small enough to look at every state that can be reached.
///
/// One step is one transaction or one message (``Step``). Time is not in it: a lease may run out and a delay may pass at
/// any instant. Everything is named by its index, in the order in which it came to be.
package struct Lifecycle: Hashable, Sendable {
    /// Which rules hold; all of them, but for the mutations.
    package var rules = Rules.all
    /// What users have.
    package var users: [User] = []
    /// What was asked for, and how it ended.
    package var jobs: [Job] = []
    /// Where jobs wait and run.
    package var chunks: [Chunk] = []
    /// Worker processes, each with an id of its own; one that died is followed by another.
    package var workers: [Worker] = []
    /// Accepted adapters.
    package var revisions: [Revision] = []
    /// Objects that were uploaded, and their rows.
    package var objects: [Object] = []
    /// Calls whose caller has given up waiting for them, and which may still take effect.
    package var late: [LateCall] = []
    /// Claims that a crash of the server would lose, oldest first: they are not flushed by themselves.
    package var unflushed: [UndoneClaim] = []
    /// The base whose pointers serve.
    package var activeBase: UInt8 = 0
    /// The campaign's cursor: users below it were fed.
    package var cursor: UInt8 = 0
    /// Disturbances that may still happen.
    package var disturbancesLeft: UInt8 = 0

    /// Makes an empty queue.
    package init(rules: Rules = .all) { self.rules = rules }
}

extension Lifecycle {
    /// A user of the tenant.
    package struct User: Hashable, Sendable {
        /// Examples recorded.
        package var data: UInt8 = 0
        /// Whether the user was erased: the epoch has risen.
        package var isErased = false
        /// What the user has under each base.
        package var pointers: [Pointer?] = [nil, nil]
    }

    /// What a user has under a base.
    package struct Pointer: Hashable, Sendable {
        /// The current revision; nil: the recipe's start.
        package var revision: UInt8?
        /// Highest number given so far.
        package var number: UInt8 = 0
        /// Data up to here was adapted to, or looked at and kept.
        package var judged: UInt8 = 0
    }

    /// How a job ended.
    package enum Ending: UInt8, Hashable, Sendable {
        case completed = 1
        case kept, merged, covered, cancelled, discarded
    }

    /// A job.
    package struct Job: Hashable, Sendable {
        /// Whose it is.
        package var user: UInt8
        /// The data that the user had when it was enqueued: what it is to cover.
        package var need: UInt8
        /// The job that it repeats.
        package var retryOf: UInt8?
        /// Whether the campaign's cursor made it.
        package var isFed = false
        /// Whether it kills whoever works on it.
        package var isPoison = false
        /// How it ended.
        package var ending: Ending?
        /// The data that was seen by what ended it.
        package var through: UInt8 = 0
        /// The job that took its place.
        package var mergedInto: UInt8?
    }

    /// A job in a chunk.
    package struct Member: Hashable, Sendable {
        /// The job.
        package var job: UInt8
        /// Failed tries so far.
        package var tries: UInt8 = 0
        /// Times it lost to another publish of its user.
        package var superseded: UInt8 = 0
    }

    /// States of a chunk.
    package enum ChunkState: UInt8, Hashable, Sendable { case ready, leased, deferred, parked, closed }

    /// What is claimed.
    package struct Chunk: Hashable, Sendable {
        /// Where it stands.
        package var state = ChunkState.ready
        /// Its jobs.
        package var members: [Member]
        /// Whether the campaign fed it: its base is 1 whatever serves.
        package var isFed = false
        /// Rises with each claim.
        package var attempt: UInt8 = 0
        /// Drawn at each claim; 0: none.
        package var token: UInt8 = 0
        /// Who claimed it last.
        package var worker: UInt8 = 0
        /// The base that its last claim resolved.
        package var base: UInt8 = 0
        /// Leases of its lineage that ended without a word, 4 at most.
        package var crashes: UInt8 = 0
        /// Workers that held its lineage when it crashed, as bits.
        package var holders: UInt16 = 0
        /// Whether its deadline has passed.
        package var isOverdue = false
        /// For judging only: the claim whose publish closed it; 0: none did.
        package var publishedBy: UInt8 = 0
    }

    /// A worker process.
    package struct Worker: Hashable, Sendable {
        /// Whether the process runs.
        package var isAlive = true
        /// Whether its lease has run out.
        package var isExpired = false
        /// What it holds.
        package var grip: Grip?
    }

    /// What one claim gave a worker, delivered together under one object.
    package struct Grip: Hashable, Sendable {
        /// Its chunks.
        package var parts: [Part]
        /// The object that was uploaded for it.
        package var object: UInt8?
    }

    /// A claimed chunk as its worker knows it.
    package struct Part: Hashable, Sendable {
        /// The chunk.
        package var chunk: UInt8
        /// With the token, the fence.
        package var attempt: UInt8
        /// With the attempt, the fence.
        package var token: UInt8
        /// The base to adapt under.
        package var base: UInt8
        /// The jobs that run.
        package var jobs: [HeldJob]
    }

    /// A claimed job as its worker knows it. The epoch it carries is always that of a user who was not erased.
    package struct HeldJob: Hashable, Sendable {
        /// The job.
        package var job: UInt8
        /// The revision that its user had.
        package var parent: UInt8?
        /// The data that its user had.
        package var through: UInt8
    }

    /// An accepted adapter.
    package struct Revision: Hashable, Sendable {
        /// Whose it is.
        package var user: UInt8
        /// Under which base.
        package var base: UInt8
        /// Counts the user's revisions under it.
        package var number: UInt8
        /// What it started from; nil: the recipe's start.
        package var parent: UInt8?
        /// The job that made it.
        package var job: UInt8
        /// The data that it has seen.
        package var through: UInt8
        /// Where its bytes lie.
        package var object: UInt8
        /// Whether the row went with its erased user.
        package var isErased = false
    }

    /// The row of an object.
    package enum ObjectRow: UInt8, Hashable, Sendable { case none, live, condemned, deleted }

    /// An object of the store. Its key is the fence of the first chunk of its delivery.
    package struct Object: Hashable, Sendable {
        /// First chunk of its delivery.
        package var chunk: UInt8
        /// That chunk's attempt.
        package var attempt: UInt8
        /// That chunk's token.
        package var token: UInt8
        /// Whether the store has it.
        package var isStored: Bool
        /// What the database says of it.
        package var row = ObjectRow.none
    }

    /// A call on its way.
    package enum LateCall: Hashable, Sendable {
        /// A publish; judged already where the rule that it judges under its locks does not hold.
        case publish(Grip, Verdict, judged: Judgement?)
        /// A cancellation that has found its job open, where the rule that it looks again under the lock does not hold.
        case cancel(job: UInt8, chunk: UInt8)
        /// A step of the campaign by a leader that was deposed, planned with this cursor.
        case feed(cursor: UInt8)
        /// A producer's open transaction that has recorded data and merged its job into a waiting one.
        case merge(user: UInt8, into: UInt8)
        /// The second half of a rescue in two transactions.
        case requeue(chunk: UInt8)
    }

    /// What a lost claim had changed.
    package struct UndoneClaim: Hashable, Sendable {
        /// The chunk.
        package var chunk: UInt8
        /// As it was before.
        package var before: Chunk
        /// Jobs that ended in the claim.
        package var ended: [UInt8]
    }
}

/// What a worker says of the jobs it delivers.
package enum Verdict: UInt8, Hashable, Sendable {
    /// All of them were adapted.
    case completed
    /// All of them keep what they had.
    case kept
    /// All of them failed and may try again; a second failure is the last.
    case failed
    /// None was worked on.
    case handedBack
    /// The first was adapted, the others are not mentioned.
    case first
}

/// What a publish has found out before it writes.
package struct Judgement: Hashable, Sendable {
    /// Parts whose fence holds.
    var live: [Lifecycle.Part] = []
    /// What becomes of each of their jobs.
    var finals: [Final] = []

    struct Final: Hashable, Sendable {
        var held: Lifecycle.HeldJob
        var chunk: UInt8
        var base: UInt8
        var fate: Fate
    }

    enum Fate: UInt8, Hashable, Sendable {
        case completed, kept, erased, discarded, failed, handedBack, superseded, collected, endedBefore
    }
}
