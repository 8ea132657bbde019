import CPostgres

/// Owns a libpq result and frees it.
///
/// Unchecked Sendable: after creation the result is only read, which libpq allows from several threads at once.
@safe final class ResultOwner: @unchecked Sendable {
    private let raw: OpaquePointer
    let statement: String
    let rowCount: Int
    let columns: [(name: String, type: PostgresType)]

    init(_ raw: OpaquePointer, statement: String) {
        unsafe self.raw = raw
        self.statement = statement
        rowCount = unsafe Int(PQntuples(raw))
        columns = unsafe (0..<PQnfields(raw)).map { column in
            // The columns of a COPY have no names.
            let name = unsafe PQfname(raw, column).map { unsafe String(cString: $0) } ?? ""
            return unsafe (name, PostgresType(oid: PQftype(raw, column)))
        }
    }

    deinit { unsafe PQclear(raw) }

    /// The number the command tag ends with: rows inserted, updated, deleted, selected.
    var affectedCount: Int { unsafe Int(String(cString: PQcmdTuples(raw))) ?? 0 }

    /// What was done, for example `COMMIT` or `INSERT 0 3`.
    var commandTag: String { unsafe String(cString: PQcmdStatus(raw)) }

    /// Lends the bytes of one value; they live as long as the result, that is, through the call.
    func decode<Decoded: PostgresDecodable>(row: Int, column: Int, as: Decoded.Type) throws(PostgresError) -> Decoded {
        guard columns.indices.contains(column) else {
            throw annotate(PostgresError(.decoding, "there are \(columns.count) columns, none at \(column)"))
        }
        do throws(PostgresError) {
            if unsafe PQgetisnull(raw, Int32(row), Int32(column)) == 1 { return try Decoded.decodeNull() }
            let length = unsafe Int(PQgetlength(raw, Int32(row), Int32(column)))
            let start = unsafe UnsafeRawPointer(PQgetvalue(raw, Int32(row), Int32(column)))
            let bytes = unsafe UnsafeRawBufferPointer(start: start, count: length).bytes
            return try Decoded.decode(bytes, columns[column].type)
        } catch {
            throw annotate(PostgresError(.decoding, "column \(columns[column].name): \(error.message)"))
        }
    }

    private func annotate(_ error: PostgresError) -> PostgresError {
        var error = error
        error.statement = statement
        return error
    }
}

/// What a statement returned: rows, in the server's order, and how many rows it touched.
public struct Rows: Sendable, RandomAccessCollection {
    let result: ResultOwner

    /// Rows inserted, updated, deleted or selected, from the command's tag.
    public var affectedCount: Int { result.affectedCount }
    /// The columns' names, in order.
    public var columnNames: [String] { result.columns.map(\.name) }
    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { result.rowCount }

    /// One row.
    public subscript(position: Int) -> Row {
        precondition(indices.contains(position), "row \(position) of \(count)")
        return Row(result: result, index: position)
    }

    /// The single row of a statement that always returns one.
    ///
    /// - Throws: `decoding` when there are none or several.
    public func one() throws(PostgresError) -> Row {
        guard let row = try oneOrNone() else { throw wrongCount }
        return row
    }

    /// The single row, or nil when there is none.
    ///
    /// - Throws: `decoding` when there are several.
    public func oneOrNone() throws(PostgresError) -> Row? {
        guard count <= 1 else { throw wrongCount }
        return first
    }

    private var wrongCount: PostgresError {
        var error = PostgresError(.decoding, "\(count) rows where one was expected")
        error.statement = result.statement
        return error
    }
}

/// One row of a result.
public struct Row: Sendable {
    let result: ResultOwner
    let index: Int

    /// Reads the column at a position, from 0.
    ///
    /// - Throws: `decoding`, naming statement and column, when the column's type is read as another, is NULL where the
    ///   Swift type has no nil, or is not there.
    public func decode<Decoded: PostgresDecodable>(
        _ column: Int, as type: Decoded.Type = Decoded.self
    ) throws(PostgresError) -> Decoded {
        try result.decode(row: index, column: column, as: type)
    }

    /// Reads the column with a name. Throws as ``decode(_:as:)-(Int,_)`` does.
    public func decode<Decoded: PostgresDecodable>(
        _ column: String, as type: Decoded.Type = Decoded.self
    ) throws(PostgresError) -> Decoded {
        guard let position = result.columns.firstIndex(where: { $0.name == column }) else {
            var error = PostgresError(.decoding, "there is no column \(column)")
            error.statement = result.statement
            throw error
        }
        return try result.decode(row: index, column: position, as: type)
    }

    /// Reads the first columns at once: `let (id, name) = try row.values(Int64.self, String.self)`. Throws as
    /// ``decode(_:as:)-(Int,_)`` does.
    public func values<each Decoded: PostgresDecodable>(
        _ types: repeat (each Decoded).Type
    ) throws(PostgresError) -> (repeat each Decoded) {
        var column = -1
        func next<One: PostgresDecodable>(_ type: One.Type) throws(PostgresError) -> One {
            column += 1
            return try result.decode(row: index, column: column, as: type)
        }
        return (repeat try next(each types))
    }
}
