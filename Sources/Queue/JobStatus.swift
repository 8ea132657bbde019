/// Where a job stands: four states until it has ended, then one of six for ever.
public enum JobState: String, Sendable, CaseIterable {
    /// Waits for its time.
    case scheduled
    /// Waits for a worker.
    case available
    /// A worker has it.
    case running
    /// Failed, or lost its worker, and waits for its next try.
    case retryable
    /// Ended with a new revision.
    case completed
    /// Ended with the old state kept: the guard found no gain.
    case kept
    /// Ended because a newer job of the same user took its place.
    case merged
    /// Ended because what the user has already covers its data.
    case covered
    /// Ended on request, or because its user was erased.
    case cancelled
    /// Ended without success, out of tries or beyond help.
    case discarded

    /// Whether it is for ever.
    public var isTerminal: Bool {
        switch self {
        case .scheduled, .available, .running, .retryable: false
        default: true
        }
    }
}

/// One job as it stands.
public struct JobStatus: Sendable, Equatable {
    /// The job.
    public var jobID: Int64
    /// Its tenant's name.
    public var tenant: String
    /// The tenant's own id of its user; nil once erased.
    public var user: String?
    /// Where it stands.
    public var state: JobState
    /// The attempt it is at or ended with.
    public var attempt: Int32
    /// Failed tries so far.
    public var tries: Int16
    /// Class of what ended it, or of its last try that failed.
    public var errorClass: String?
    /// The message with that class.
    public var message: String?
    /// Number of the revision it made, or that covers it.
    public var revision: Int32?
    /// The job that took its place.
    public var mergedInto: Int64?
}
