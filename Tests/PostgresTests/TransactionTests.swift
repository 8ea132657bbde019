import Postgres
import PostgresTestSupport
import Testing

private struct Refused: Error {}

@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct TransactionTests {
    static let table = sql("CREATE TABLE t (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
    static let insert = sql("INSERT INTO t VALUES ($1)")

    @Test("a transaction stands when its body returns and is undone when it throws")
    func commitAndRollback() async throws {
        try await withTable { connection in
            try await connection.withTransaction { try await $0.execute(Self.insert, [.int32(1)]) }
            await #expect(throws: Refused.self) {
                try await connection.withTransaction { connection in
                    try await connection.execute(Self.insert, [.int32(2)])
                    throw Refused()
                }
            }
            #expect(try await count(connection) == 1)
            #expect(await connection.isUsable)
        }
    }

    @Test("a body that hides a failed statement does not commit in silence")
    func hiddenFailure() async throws {
        try await withTable { connection in
            let error = try await #require(throws: PostgresError.self) {
                try await connection.withTransaction { connection in
                    try await connection.execute(Self.insert, [.int32(1)])
                    await #expect(throws: PostgresError.self) { try await connection.execute(sql("SELECT 1 / 0")) }
                }
            }
            #expect(error.code == .misuse)
            #expect(try await count(connection) == 0)
        }
    }

    @Test("what the server refuses at COMMIT is an ordinary refusal")
    func refusedCommit() async throws {
        try await withTable { connection in
            let error = try await #require(throws: PostgresError.self) {
                try await connection.withTransaction { connection in
                    for _ in 0..<2 { try await connection.execute(Self.insert, [.int32(1)]) }
                }
            }
            #expect(error.code == .statement && error.sqlState == .uniqueViolation && !error.mayHaveCommitted)
            #expect(await connection.isUsable)
        }
    }

    @Test("a COMMIT whose reply is lost is told apart, and the transaction stands")
    func lostReply() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { try await $0.executeScript(Self.table) }
            let proxy = try await LossyProxy(to: database)
            let connection = try await Connection.open(proxy.conninfo)
            let error = try await #require(throws: PostgresError.self) {
                try await connection.withTransaction { connection in
                    try await connection.execute(Self.insert, [.int32(1)])
                    proxy.loseReply(to: "COMMIT")
                }
            }
            #expect(error.code == .commitUnknown && error.mayHaveCommitted && error.isRetryable)
            await connection.close()
            proxy.close()
            #expect(try await database.withConnection(count) == 1)
        }
    }

    @Test("a connection lost before COMMIT leaves no doubt; one lost under a statement of its own does")
    func lostStatement() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { try await $0.executeScript(Self.table) }
            let proxy = try await LossyProxy(to: database)
            let first = try await Connection.open(proxy.conninfo)
            let inside = try await #require(throws: PostgresError.self) {
                try await first.withTransaction { connection in
                    try await database.withConnection {
                        try await $0.execute(sql("SELECT pg_terminate_backend($1, 5000)"), [.int32(first.processID)])
                    }
                    try await connection.execute(Self.insert, [.int32(1)])
                }
            }
            #expect(!inside.mayHaveCommitted && inside.isRetryable)
            await first.close()

            let second = try await Connection.open(proxy.conninfo)
            proxy.loseReply(to: "INSERT")
            let alone = try await #require(throws: PostgresError.self) {
                try await second.execute(Self.insert, [.int32(2)])
            }
            #expect(alone.code == .connectionLost && alone.mayHaveCommitted)
            await second.close()
            proxy.close()
            #expect(try await database.withConnection(count) == 1)
        }
    }

    @Test("two transactions that lock rows in opposite order: one is undone, and its repetition succeeds")
    func deadlock() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection {
                try await $0.executeScript(
                    sql("CREATE TABLE t (n int PRIMARY KEY, sum int); INSERT INTO t VALUES (1, 0), (2, 0)"))
            }
            try await database.withPool { pool in
                let add = sql("UPDATE t SET sum = sum + 1 WHERE n = $1")
                try await withThrowingTaskGroup { group in
                    for order: [Int32] in [[1, 2], [2, 1]] {
                        group.addTask {
                            for _ in 0..<20 {
                                try await pool.withTransaction(retry: .transaction) { connection in
                                    for n in order { try await connection.execute(add, [.int32(n)]) }
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let sums = try await pool.execute(sql("SELECT sum FROM t")).map { try $0.decode(0, as: Int.self) }
                #expect(sums == [40, 40])
            }
        }
    }

    @Test("an undone transaction is repeated as often as asked, and no other error is")
    func repetition() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withPool { pool in
                try await pool.execute(sql("CREATE SEQUENCE tries"))
                try await pool.execute(
                    sql(
                        """
                        CREATE FUNCTION refuse(state text) RETURNS void LANGUAGE plpgsql AS $$
                        BEGIN
                            IF nextval('tries') % 3 <> 0 THEN RAISE EXCEPTION 'again' USING ERRCODE = state; END IF;
                        END $$
                        """))
                let call = sql("SELECT refuse($1)")
                try await pool.withTransaction(retry: .transaction) { try await $0.execute(call, [.text("40001")]) }
                #expect(try await tries(pool) == 3)
                for (state, retry) in [("40001", Backoff.none), ("22012", .transaction)] {
                    await #expect(throws: PostgresError.self) {
                        try await pool.withTransaction(retry: retry) { try await $0.execute(call, [.text(state)]) }
                    }
                }
                #expect(try await tries(pool) == 5)
            }
        }
    }

    private func tries(_ pool: ConnectionPool) async throws -> Int {
        try await pool.execute(sql("SELECT last_value FROM tries")).one().decode(0)
    }

    private func withTable(_ body: (Connection) async throws -> Void) async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                try await connection.executeScript(Self.table)
                try await body(connection)
            }
        }
    }

    private func count(_ connection: Connection) async throws -> Int {
        try await connection.execute(sql("SELECT count(*) FROM t")).one().decode(0)
    }
}
