/// One SQL statement with a name.
///
/// The text has placeholders `$1`, `$2`, …; values only ever travel as ``Parameters``.
public struct Statement: Sendable, Hashable {
    /// What errors call it: the file's name below `sql/`.
    public let name: String
    /// The SQL, exactly one statement.
    public let text: String

    /// Makes a statement. The text is a reviewed constant, never put together from input.
    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}
