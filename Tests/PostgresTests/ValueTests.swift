import Foundation
import Postgres
import PostgresTestSupport
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct ValueTests {
    @Test("every scalar comes back as it was sent, with the server's type")
    func scalars() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                try await check(connection, [true, false], "boolean") { .bool($0) }
                try await check(connection, [0, -1, .min, .max], "smallint") { .int16($0) }
                try await check(connection, [0, -1, .min, .max], "integer") { .int32($0) }
                try await check(connection, [0, -1, .min, .max], "bigint") { .int64($0) }
                try await check(
                    connection, [0, -0.5, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude], "real"
                ) { .float($0) }
                try await check(connection, [0, -0.1, -.infinity, .pi], "double precision") { .double($0) }
                try await check(connection, ["", "häuser 語 🙂", "a'b\"c\\d\n"], "text") { .text($0) }
                try await check(connection, [[], [0, 255, 0], [UInt8](repeating: 7, count: 100_000)], "bytea") {
                    .bytes($0)
                }
                try await check(connection, [UUID(), UUID()], "uuid") { .uuid($0) }
                try await check(
                    connection,
                    [
                        Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 1_795_000_000.25), .distantFuture,
                        .distantPast,
                    ], "timestamp with time zone"
                ) { .timestamp($0) }
                let nan = try await connection.execute(sql("SELECT $1"), [.float(.nan)]).one().decode(0, as: Float.self)
                #expect(nan.isNaN)
            }
        }
    }

    @Test("times and JSON mean to the server what they mean to us")
    func meanings() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let moment = Date(timeIntervalSince1970: 1_000_000_000.5)
                let row = try await connection.execute(
                    sql("SELECT extract(epoch FROM $1)::float8, $2 -> 'a' ->> 1, $2"),
                    [.timestamp(moment), .json(#"{"a": [1, "zwei"]}"#)]
                ).one()
                let (epoch, second, text) = try row.values(Double.self, String.self, String.self)
                #expect(epoch == 1_000_000_000.5)
                #expect(second == "zwei")
                #expect(text == #"{"a": [1, "zwei"]}"#)
            }
        }
    }

    @Test("arrays come back as they were sent: empty, long, with NULLs, of every element type")
    func arrays() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                try await checkArray(connection, [true, false], "boolean[]")
                try await checkArray(connection, [1, -2] as [Int16], "smallint[]")
                try await checkArray(connection, (0..<5000).map { $0 * 7919 } as [Int32], "integer[]")
                try await checkArray(connection, [.min, .max] as [Int64], "bigint[]")
                try await checkArray(connection, [0.5, -.infinity] as [Float], "real[]")
                try await checkArray(connection, [0.1] as [Double], "double precision[]")
                try await checkArray(connection, ["", "NULL", "a,b", "{\"}"], "text[]")
                try await checkArray(connection, [[], [1, 2, 0]] as [[UInt8]], "bytea[]")
                try await checkArray(connection, [UUID()], "uuid[]")
                try await checkArray(connection, [Date(timeIntervalSince1970: 1)], "timestamp with time zone[]")
            }
        }
    }

    @Test("a NULL is nil where the type has one, and an error that names the column where it has none")
    func nulls() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let row = try await connection.execute(sql("SELECT $1 AS absent"), [.int64(nil)]).one()
                #expect(try row.decode("absent", as: Int64?.self) == nil)
                let error = #expect(throws: PostgresError.self) { try row.decode("absent", as: Int64.self) }
                #expect(error?.code == .decoding)
                #expect(error?.message == "column absent: NULL cannot be read as Int64")
                #expect(error?.statement == "SELECT $1 AS absent")
                let none = try await connection.execute(sql("SELECT $1"), [.array([String]?.none)]).one()
                #expect(try none.decode(0, as: [String]?.self) == nil)
            }
        }
    }

    @Test("integers widen, and nothing else changes its type by itself")
    func widening() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let row = try await connection.execute(sql("SELECT 7::int2 AS small, 8::int4, 1.5::real, 9::numeric"))
                    .one()
                #expect(try row.decode(0, as: Int.self) == 7)
                #expect(try row.decode(0, as: Int32.self) == 7)
                #expect(try row.decode(1, as: Int64.self) == 8)
                #expect(try row.decode(2, as: Double.self) == 1.5)
                #expect(throws: PostgresError.self) { try row.decode(1, as: Int16.self) }
                #expect(throws: PostgresError.self) { try row.decode(3, as: Int64.self) }
                #expect(throws: PostgresError.self) { try row.decode("small", as: String.self) }
                #expect(throws: PostgresError.self) { try row.decode("big", as: Int.self) }
                #expect(throws: PostgresError.self) { try row.decode(4, as: Int.self) }
                #expect(throws: PostgresError.self) { try row.decode(1, as: [Int32].self) }
            }
        }
    }

    @Test("enums, names and \"char\" read as text or bytes")
    func otherTypes() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                try await connection.executeScript(sql("CREATE TYPE mood AS ENUM ('calm'); SELECT 1"))
                let row = try await connection.execute(
                    sql("SELECT 'calm'::mood, current_database(), 'x'::\"char\", '{{1,2},{3,4}}'::int[]")
                ).one()
                let (mood, name, byte, matrix) = try row.values(String.self, String.self, UInt8.self, [Int32].self)
                #expect(mood == "calm" && name == database.name && byte == 0x78 && matrix == [1, 2, 3, 4])
            }
        }
    }

    private func check<Sent: PostgresValue & Equatable>(
        _ connection: Connection, _ values: [Sent], _ type: String, _ bind: (Sent?) -> Value
    ) async throws {
        for value in values.map(Optional.some) + [nil] {
            let row = try await connection.execute(sql("SELECT $1, pg_typeof($1)::text"), [bind(value)]).one()
            #expect(try row.decode(0, as: Sent?.self) == value)
            #expect(try row.decode(1, as: String.self) == type)
        }
    }

    private func checkArray<Element: PostgresValue & Equatable>(
        _ connection: Connection, _ values: [Element], _ type: String
    ) async throws {
        let holed: [Element?] = values.flatMap { [$0, nil] }
        let row = try await connection.execute(
            sql("SELECT $1, $2, $3, pg_typeof($1)::text, cardinality($1), array_position($3, NULL)"),
            [.array(values), .array([Element]()), .array(holed)]
        ).one()
        #expect(try row.decode(0, as: [Element].self) == values)
        #expect(try row.decode(1, as: [Element].self) == [])
        #expect(try row.decode(2, as: [Element?].self) == holed)
        #expect(throws: PostgresError.self) { try row.decode(2, as: [Element].self) }
        #expect(try row.decode(3, as: String.self) == type)
        #expect(try row.decode(4, as: Int.self) == values.count)
        #expect(try row.decode(5, as: Int.self) == 2)
    }
}
