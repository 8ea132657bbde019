public import FoundationEssentials

/// A stream of a tenant that is served by weight.
public enum Flow: String, Sendable, CaseIterable {
    /// Single jobs that a person waits for.
    case interactive
    /// Jobs that come by the thousand.
    case bulk
    /// Re-adaptation under a new base.
    case campaign
}

/// A job to enqueue.
public struct NewJob: Sendable {
    /// The tenant's name.
    public var tenant: String
    /// The tenant's own id of the user, who must have examples.
    public var user: String
    /// The stream it joins.
    public var flow = Flow.interactive
    /// What is asked for.
    public var kind = "adapt"
    /// Versioned bytes that the worker gets as they are, at most 65,536.
    public var payload: [UInt8]?
    /// At most one job is made for it, 1 to 1,000 characters.
    public var dedupKey: String?
    /// Not before this time.
    public var runAt: Date?
    /// Estimated work in milliseconds of a reference worker; nil: told by how many examples the user has.
    public var costMilliseconds: Float?
    /// The producer's traceparent.
    public var trace: String?
    /// From 0, what nearly every job has, to 3: goes ahead of 100, 1,000 or 10,000 jobs of its own flow, and of other
    /// flows by no more than a fixed distance. A site may set others.
    public var priority: Int32 = 0

    /// Makes a job of the kind `adapt` in the interactive flow.
    public init(tenant: String, user: String) {
        self.tenant = tenant
        self.user = user
    }
}

/// Many jobs of one tenant, flow and kind.
public struct Bulk: Sendable {
    /// One job of a bulk.
    public struct Entry: Sendable {
        /// The tenant's own id of the user.
        public var user: String
        /// As for ``NewJob/payload``.
        public var payload: [UInt8]?
        /// As for ``NewJob/dedupKey``.
        public var dedupKey: String?
        /// As for ``NewJob/trace``.
        public var trace: String?

        /// Makes an entry.
        public init(user: String, payload: [UInt8]? = nil, dedupKey: String? = nil, trace: String? = nil) {
            self.user = user
            self.payload = payload
            self.dedupKey = dedupKey
            self.trace = trace
        }
    }

    /// The tenant's name.
    public var tenant: String
    /// The stream they join.
    public var flow = Flow.bulk
    /// What is asked for.
    public var kind = "adapt"
    /// Not before this time.
    public var runAt: Date?
    /// Estimated work of each, in milliseconds of a reference worker; nil takes the setting.
    public var costMilliseconds: Float?
    /// Whether entries that cannot be accepted are left out and listed; else the first one fails the bulk.
    public var keepsGoing = false
    /// The jobs, in order.
    public var entries: [Entry]

    /// Makes a bulk of the kind `adapt`.
    public init(tenant: String, entries: [Entry]) {
        self.tenant = tenant
        self.entries = entries
    }
}

/// What became of a bulk.
public struct BulkReport: Sendable, Equatable {
    /// Entries that became jobs.
    public var accepted = 0
    /// Entries whose dedup key had its job already.
    public var duplicates = 0
    /// Entries left out: position from 1, and the error's class.
    public var rejected: [Rejection] = []
    /// Chunks made.
    public var chunks = 0
    /// The smallest and the largest id given, when any was.
    public var jobIDs: ClosedRange<Int64>?

    /// An entry that was left out.
    public struct Rejection: Sendable, Equatable {
        /// Its position in the bulk, from 1.
        public var line: Int
        /// Why: `unknown_user`, `dedup_conflict`, `payload_too_long`, `bad_dedup_key`, `bad_trace`.
        public var errorClass: String

        /// Makes a rejection.
        public init(line: Int, errorClass: String) {
            self.line = line
            self.errorClass = errorClass
        }
    }

    /// Nothing.
    public init() {}
}
