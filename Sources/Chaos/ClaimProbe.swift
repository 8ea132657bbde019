/// What one claim cost in a database as it was at that moment.
public struct ClaimProbe: Sendable, Equatable, Codable {
    /// When, in words.
    public var moment: String
    /// Chunks that waited.
    public var waitingChunks: Int64
    /// Jobs that had ended.
    public var endedJobs: Int64
    /// Jobs that the claim took.
    public var jobs: Int64
    /// Pages that it touched, of tables and indexes.
    public var pages: Int64
}
