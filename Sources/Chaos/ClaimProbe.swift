/// What one claim cost in a database as it was at that moment.
public struct ClaimProbe: Sendable, Equatable, Codable {
    /// When, in words.
    public var moment: String
    /// Chunks that waited.
    public var waitingChunks: Int64
    /// Jobs that had ended.
    public var endedJobs: Int64
    /// Chunks that the claim took.
    public var chunks: Int64
    /// Jobs of them.
    public var jobs: Int64
    /// Of these, jobs that ended there and then, as covered or merged.
    public var endings: Int64
    /// Jobs that it made for campaigns that had covered their users.
    public var followers: Int64
    /// Pages that it touched, of tables and indexes.
    public var pages: Int64
}
