/// Rows on their way into a `COPY … FROM STDIN (FORMAT binary)`.
///
/// The format: `PGCOPY\n\377\r\n\0`, flags and extension length (four bytes each, 0), then per row a two-byte column count and
/// per column a four-byte length (-1 = NULL) and the value; a column count of -1 ends the data.
public struct CopyWriter {
    /// Bytes gathered before they are handed to the connection.
    private static let partByteCount = 1 << 18

    private let connection: Connection
    private let statement: String
    private var part: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    fileprivate init(_ connection: Connection, _ statement: String) {
        self.connection = connection
        self.statement = statement
    }

    /// Adds a row: one value for each column of the COPY statement, of exactly its type.
    ///
    /// - Throws: `connectionLost` or `cancelled`, when data gathered so far cannot be sent.
    public mutating func append(_ row: [Value]) async throws(PostgresError) {
        part.append(bigEndian: Int16(row.count))
        for value in row {
            part.append(bigEndian: Int32(value.bytes?.count ?? -1))
            if let bytes = value.bytes { part.append(contentsOf: bytes) }
        }
        if part.count >= Self.partByteCount { try await send() }
    }

    fileprivate mutating func finish() async throws(PostgresError) {
        part.append(bigEndian: Int16(-1))
        try await send()
    }

    private mutating func send() async throws(PostgresError) {
        try await connection.putCopyData(part, statement)
        part.removeAll(keepingCapacity: true)
    }
}

extension Connection {
    /// Runs a `COPY … FROM STDIN (FORMAT binary)` with the rows that `write` appends, and returns how many there were.
    ///
    /// - Throws: what `write` throws, after the COPY is undone; `statement` when the server refuses a row, which it may say
    ///   only at the end; `connectionLost`, `cancelled`.
    @discardableResult
    public nonisolated func copyIn(
        _ statement: Statement, _ write: (inout CopyWriter) async throws -> Void
    ) async throws -> Int {
        try await execute(statement)
        var writer = CopyWriter(self, statement.name)
        do {
            try await write(&writer)
            try await writer.finish()
        } catch {
            await giveUpCopy(statement.name)
            throw error
        }
        return try await endCopy(giveUpBecause: nil, statement.name)
    }

    /// Makes the server undo the COPY. It answers with an error that says so; the caller has the reason already, and a
    /// connection left in COPY is not idle, hence not used again.
    private func giveUpCopy(_ statement: String) {
        do throws(PostgresError) {
            _ = try endCopy(giveUpBecause: "the client gave up", statement)
        } catch {
            if error.code != .statement { close() }
        }
    }
}
