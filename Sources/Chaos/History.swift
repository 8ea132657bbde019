/// All that a run left behind: the database's rows, what the store holds, and what producers and operators were told.
///
/// It is read once everything has ended; ``Checker`` judges it and nothing else.
struct History: Sendable, Equatable {
    /// What was asked for.
    struct Job: Sendable, Equatable {
        var id: Int64
        var uid: Int64
        var tenantID: Int32
        /// Hexadecimal SHA-256 of its dedup key; nil without one, and once the user is erased.
        var keyHash: String?
    }

    /// How a job ended, as `attune.outcome` has it.
    enum Ending: Int16, Sendable, CaseIterable {
        case completed = 1, kept, merged, covered, cancelled, discarded
    }

    /// One terminal row.
    struct Outcome: Sendable, Equatable {
        var jobID: Int64
        var uid: Int64
        var chunkID: Int64
        var attempt: Int32
        var ending: Ending
        var workerID: Int64?
        var revisionID: Int64?
        var mergedInto: Int64?
        /// By the database's clock, in seconds since 1970.
        var claimedAt: Double?
        var finishedAt: Double
    }

    /// A unit of lease; `token` is nil on a closed chunk that no publish closed.
    struct Chunk: Sendable, Equatable {
        var id: Int64
        var isClosed: Bool
        var attempt: Int32
        var workerID: Int64?
        var hasToken: Bool
    }

    /// An accepted adapter.
    struct Revision: Sendable, Equatable {
        var id: Int64
        var uid: Int64
        var tenantID: Int32
        var baseID: Int32
        var recipeID: Int32
        var parentID: Int64?
        var jobID: Int64
        var number: Int32
    }

    /// Where a revision's bytes lie.
    struct Slot: Sendable, Equatable {
        var revisionID: Int64
        var objectID: Int64
        var uid: Int64
        var offset: Int32
        var length: Int32
    }

    /// An object as the database knows it.
    struct Object: Sendable, Equatable {
        var id: Int64
        var tenantID: Int32
        var key: String
        /// Hexadecimal.
        var sha256: String
        var byteCount: Int64
        var isLive: Bool
    }

    /// What a user has now under a base.
    struct Pointer: Sendable, Equatable {
        var uid: Int64
        var baseID: Int32
        var revisionID: Int64?
        var number: Int32
        var judgedThrough: Int64
    }

    /// A user, or the nameless tombstone of one.
    struct User: Sendable, Equatable {
        var uid: Int64
        var tenantID: Int32
        var dataSeq: Int64
        var isErased: Bool
        /// Whether rows of examples are there.
        var hasData: Bool
    }

    /// A tenant and the base that serves it.
    struct Tenant: Sendable, Equatable {
        var id: Int32
        var keyPrefix: String
        var baseID: Int32?
        var baseEpoch: Int64
    }

    /// An object as the store has it, its bytes read and hashed.
    struct StoredObject: Sendable, Equatable {
        var byteCount: Int64
        /// Hexadecimal.
        var sha256: String
    }

    var tenants: [Tenant] = []
    var users: [User] = []
    /// The base of each recipe.
    var baseOfRecipe: [Int32: Int32] = [:]
    var jobs: [Job] = []
    var chunks: [Chunk] = []
    var outcomes: [Outcome] = []
    var revisions: [Revision] = []
    var slots: [Slot] = []
    var objects: [Object] = []
    var pointers: [Pointer] = []
    /// Jobs by the hash of their dedup key, by tenant.
    var jobOfKey: [DedupKey: Int64] = [:]
    /// What the store holds, by key.
    var stored: [String: StoredObject] = [:]
    /// Revisions whose bytes are not an adapter of their base and recipe, and what is wrong with them.
    var unreadable: [Int64: String] = [:]
    /// In the order of time.
    var probes: [ClaimProbe] = []
    /// From before the first job to after the last outcome, by the database's clock, in seconds since 1970.
    var window: ClosedRange<Double> = 0...(.greatestFiniteMagnitude)
    /// What producers and operators heard.
    var told = Told()
}

/// A dedup key in use.
struct DedupKey: Sendable, Hashable {
    var tenantID: Int32
    /// Hexadecimal SHA-256 of the key.
    var hash: String
}
