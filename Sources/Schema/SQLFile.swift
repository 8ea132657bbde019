public import Postgres

/// One file of `sql/`, embedded at build time.
public struct SQLFile: Sendable, Equatable {
    /// Path below `sql/`, for example `queries/claim_chunk.sql`; also the name a failing statement is reported under.
    public let name: String
    /// The file's text as reviewed, comments included.
    public let text: String

    /// Makes a file; tests of the migrator do.
    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

extension Statement {
    /// The statement a file holds, named as the file.
    public init(_ file: SQLFile) { self.init(name: file.name, text: file.text) }
}
