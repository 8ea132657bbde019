import Postgres
import PostgresTestSupport
import Testing

private struct BadLine: Error {}

@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct CopyTests {
    static let copy = sql("COPY t (id, name, weights) FROM STDIN (FORMAT binary)")

    @Test("twenty thousand rows arrive, NULLs and long values too")
    func manyRows() async throws {
        try await withTable { connection in
            let count = try await connection.copyIn(Self.copy) { writer in
                for id: Int64 in 0..<20_000 {
                    let name = id % 3 == 0 ? nil : String(repeating: "é", count: Int(id % 200))
                    try await writer.append([.int64(id), .text(name), .array([Float(id), 0.5])])
                }
            }
            #expect(count == 20_000)
            let row = try await connection.execute(
                sql("SELECT count(*), count(name), sum(length(name))::bigint, sum(weights[1]::float8) FROM t")
            ).one()
            let (rows, names, letters, sum) = try row.values(Int.self, Int.self, Int.self, Double.self)
            #expect(rows == 20_000 && names == 13_333)
            #expect(letters == (0..<20_000).filter { $0 % 3 != 0 }.map { $0 % 200 }.reduce(0, +))
            #expect(sum == 199_990_000)
        }
    }

    @Test("a source that fails leaves no row, and the connection usable")
    func failingSource() async throws {
        try await withTable { connection in
            await #expect(throws: BadLine.self) {
                try await connection.copyIn(Self.copy) { writer in
                    try await writer.append([.int64(1), .text("a"), .array([1 as Float])])
                    throw BadLine()
                }
            }
            #expect(await connection.isUsable)
            let rows: Int = try await connection.execute(sql("SELECT count(*) FROM t")).one().decode(0)
            #expect(rows == 0)
        }
    }

    @Test("a row that the server refuses is an error of the statement, however late it is noticed")
    func refusedRow() async throws {
        try await withTable { connection in
            let error = try await #require(throws: PostgresError.self) {
                try await connection.copyIn(Self.copy) { writer in
                    for id: Int64 in 0..<50_000 {
                        try await writer.append([.int64(id % 49_999), .text("a"), .array([1 as Float])])
                    }
                }
            }
            #expect(error.sqlState == .uniqueViolation && !error.mayHaveCommitted)
            #expect(await connection.isUsable)
        }
    }

    @Test("a value of another type than the column's is refused")
    func wrongType() async throws {
        try await withTable { connection in
            let error = try await #require(throws: PostgresError.self) {
                try await connection.copyIn(Self.copy) {
                    try await $0.append([.int32(1), .text("a"), .array([1 as Float])])
                }
            }
            #expect(error.code == .statement)
            #expect(await connection.isUsable)
        }
    }

    private func withTable(_ body: (Connection) async throws -> Void) async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                try await connection.executeScript(
                    sql("CREATE TABLE t (id bigint PRIMARY KEY, name text, weights real[])"))
                try await body(connection)
            }
        }
    }
}
