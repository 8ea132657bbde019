/// One file of `sql/`, embedded at build time.
public struct SQLFile: Sendable, Equatable {
    /// Path below `sql/`, for example `queries/claim_chunk.sql`; also the name a failing statement is reported under.
    public let name: String
    /// The file's text as reviewed, comments included.
    public let text: String
}
