/// What was measured while a job ran.
public struct Measurements: Sendable, Hashable {
    /// Examples adapted on.
    public var examples: Int32
    /// Steps of the update rule.
    public var steps: Int16
    /// Rows that the gate let change.
    public var rows: Int16
    /// Mean held-out loss of the start, in nats an example.
    public var lossBefore: Float?
    /// Mean held-out loss of what was adapted, in nats an example.
    public var lossAfter: Float?
    /// Bytes stored for it.
    public var storedBytes: Int32
    /// Milliseconds from the claim until the data was there.
    public var fetchMilliseconds: Int32
    /// Milliseconds of computing, the delivery's.
    public var adaptMilliseconds: Int32
    /// Milliseconds of encoding, the delivery's.
    public var encodeMilliseconds: Int32
    /// Milliseconds of the upload, the delivery's.
    public var uploadMilliseconds: Int32

    /// Makes measurements; what is not given is 0 or absent.
    public init(
        examples: Int32 = 0, steps: Int16 = 0, rows: Int16 = 0, lossBefore: Float? = nil, lossAfter: Float? = nil,
        storedBytes: Int32 = 0, fetchMilliseconds: Int32 = 0, adaptMilliseconds: Int32 = 0,
        encodeMilliseconds: Int32 = 0, uploadMilliseconds: Int32 = 0
    ) {
        self.examples = examples
        self.steps = steps
        self.rows = rows
        self.lossBefore = lossBefore
        self.lossAfter = lossAfter
        self.storedBytes = storedBytes
        self.fetchMilliseconds = fetchMilliseconds
        self.adaptMilliseconds = adaptMilliseconds
        self.encodeMilliseconds = encodeMilliseconds
        self.uploadMilliseconds = uploadMilliseconds
    }
}

/// A revision to publish: what it saw, and where in the delivery's object its bytes lie.
public struct RevisionDraft: Sendable, Hashable {
    /// The user's `data_seq` as read when the data was fetched.
    public var dataThrough: Int64
    /// First byte in the object.
    public var offset: Int32
    /// Number of bytes, above 0.
    public var length: Int32
    /// SHA-256 of those bytes.
    public var sha256: [UInt8]

    /// Makes a draft.
    public init(dataThrough: Int64, offset: Int32, length: Int32, sha256: [UInt8]) {
        self.dataThrough = dataThrough
        self.offset = offset
        self.length = length
        self.sha256 = sha256
    }
}

/// How a job went.
public enum JobResult: Sendable, Hashable {
    /// Adapted; the revision is in the delivery's object.
    case completed(RevisionDraft, Measurements)
    /// Looked at with the data up to `dataThrough`, and the old state kept.
    case kept(dataThrough: Int64, Measurements)
    /// Done, of a kind that makes no revision; the message says what came of it.
    case done(message: String, Measurements)
    /// Failed; costs a try. Ends as discarded when no try is left, or at once when trying again cannot help.
    case failed(errorClass: String, message: String, retryable: Bool)
    /// To run again after some seconds; costs no try.
    case snoozed(seconds: Double, reason: String)
    /// Not worked on; to run again at once. The same as leaving the job out.
    case handedBack
}

/// How one claimed job went.
public struct JobReport: Sendable, Hashable {
    /// The job as it was claimed.
    public var job: ClaimedJob
    /// How it went.
    public var result: JobResult

    /// Makes a report.
    public init(_ job: ClaimedJob, _ result: JobResult) {
        self.job = job
        self.result = result
    }
}

/// The object of a delivery: uploaded and verified before it is published.
public struct DeliveredObject: Sendable, Hashable {
    /// `prefix/chunk-attempt-token-sha256`, never used before.
    public var key: String
    /// SHA-256 of all its bytes.
    public var sha256: [UInt8]
    /// Its size.
    public var byteCount: Int64

    /// Makes a description.
    public init(key: String, sha256: [UInt8], byteCount: Int64) {
        self.key = key
        self.sha256 = sha256
        self.byteCount = byteCount
    }
}

/// What a worker finished together: chunks of one claim with one tenant, base and recipe, and at most one object.
public struct Delivery: Sendable {
    /// The chunks that end with it. A job of theirs without a report goes into a retry chunk.
    public var chunks: [Fence]
    /// How their jobs went.
    public var reports: [JobReport]
    /// Where the revisions' bytes lie; needed when any job completed.
    public var object: DeliveredObject?

    /// Makes a delivery.
    public init(chunks: [Fence], reports: [JobReport], object: DeliveredObject? = nil) {
        self.chunks = chunks
        self.reports = reports
        self.object = object
    }
}

/// What a publish did. The chunks whose fence held are closed; the counts are of their jobs.
public struct PublishReport: Sendable, Equatable {
    /// Jobs with a new revision, or done.
    public var completed = 0
    /// Jobs that kept the old state.
    public var kept = 0
    /// Jobs whose user got another revision meanwhile; they run again.
    public var superseded = 0
    /// Jobs that went into retry chunks, superseded ones included.
    public var retried = 0
    /// Jobs that ended without success.
    public var discarded = 0
    /// Jobs whose user was erased.
    public var erased = 0
    /// Chunks whose lease another has taken: nothing was changed for them, and nothing is to be done.
    public var lostChunks: [Int64] = []
    /// Chunks that this very claim had closed before: the reply to an earlier publish was lost.
    public var publishedBefore: [Int64] = []

    /// Nothing.
    public init() {}
}
