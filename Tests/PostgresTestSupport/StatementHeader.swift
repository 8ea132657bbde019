public import Postgres
public import Schema

/// What a file of `sql/queries` says about its parameters: lines `-- $1 name type`, optionally with `: meaning` after.
public struct StatementHeader: Sendable, Equatable {
    /// The types, in the order of the placeholders.
    public var types: [String]

    /// Reads the header lines; nil when they are not numbered 1, 2, 3, ….
    public init?(_ file: SQLFile) {
        let lines = file.text.split(whereSeparator: \.isNewline)
        let matches = lines.compactMap { $0.wholeMatch(of: /-- \$(\d+) \w+ ([a-z0-9_ ."\[\]]+?)(?:[:,(].*)?/) }
        guard matches.map({ Int($0.1) }) == (1..<(matches.count + 1)).map({ $0 }) else { return nil }
        types = matches.map { String($0.2) }
    }

    /// Prepares the file's statement and returns the types that the header gives and those that the server finds, both
    /// in the server's spelling.
    ///
    /// - Throws: `PostgresError` when the statement cannot be prepared.
    public static func compare(
        _ file: SQLFile, on connection: Connection
    ) async throws -> (header: [String]?, server: [String]) {
        try await connection.executeScript(Statement(name: file.name, text: "PREPARE checked AS \(file.text)"))
        let server = try await connection.execute(
            Statement(
                name: "parameter types",
                text: "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'checked'")
        ).one().decode(0, as: [String].self)
        try await connection.executeScript(Statement(name: "deallocate", text: "DEALLOCATE checked"))
        guard let header = StatementHeader(file) else { return (nil, server) }
        let spelled = try await connection.execute(
            Statement(
                name: "types",
                text: "SELECT array(SELECT t::regtype::text FROM unnest($1::text[]) WITH ORDINALITY u(t, n) ORDER BY n)"
            ),
            [.array(header.types)]
        ).one().decode(0, as: [String].self)
        return (spelled, server)
    }
}
