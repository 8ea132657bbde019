import Postgres
import PostgresTestSupport
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct ConnectionPoolTests {
    @Test("many tasks share few connections")
    func sharing() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withPool(limit: 3) { pool in
                let pids = try await withThrowingTaskGroup(of: Int32.self) { group in
                    for _ in 0..<60 {
                        group.addTask {
                            try await pool.execute(sql("SELECT pg_backend_pid() FROM pg_sleep(0.001)")).one().decode(0)
                        }
                    }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect((1...3).contains(pids.count))
            }
        }
    }

    @Test("connections that the server ended are replaced before anybody notices")
    func replacement() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withPool { pool in
                let pid = sql("SELECT pg_backend_pid()")
                let before = try await pool.execute(pid).one().decode(0, as: Int32.self)
                try await database.withConnection { other in
                    try await other.execute(sql("SELECT pg_terminate_backend($1, 5000)"), [.int32(before)])
                }
                #expect(try await pool.execute(pid).one().decode(0, as: Int32.self) != before)
            }
        }
    }

    @Test("a connection that comes back in the middle of a transaction is not lent again")
    func unfinishedTransaction() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withPool(limit: 1) { pool in
                let first = try await pool.withConnection { connection in
                    try await connection.execute(sql("BEGIN"))
                    return connection.processID
                }
                #expect(try await pool.withConnection { $0.processID } != first)
            }
        }
    }

    @Test("a cancelled statement costs its connection, not the pool")
    func cancelledStatement() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withPool(limit: 1) { pool in
                let task = Task { try await pool.execute(sql("SELECT pg_sleep(30)")) }
                try await Task.sleep(for: .milliseconds(50))
                task.cancel()
                let error = try await #require(throws: PostgresError.self) { try await task.value }
                #expect(error.code == .cancelled)
                #expect(try await pool.execute(sql("SELECT 1")).count == 1)
            }
        }
    }

    @Test("whoever waits too long, or is cancelled while waiting, learns it")
    func waiting() async throws {
        try await TestDatabase.with(.empty) { database in
            let pool = ConnectionPool(database.conninfo, limit: 1, waitSeconds: 0.2)
            try await pool.withConnection { _ in
                let exhausted = try await #require(throws: PostgresError.self) {
                    try await pool.execute(sql("SELECT 1"))
                }
                #expect(exhausted.code == .poolExhausted && exhausted.isRetryable)
                let task = Task { try await pool.execute(sql("SELECT 1")) }
                task.cancel()
                let cancelled = try await #require(throws: PostgresError.self) { try await task.value }
                #expect(cancelled.code == .cancelled)
            }
            #expect(try await pool.execute(sql("SELECT 1")).count == 1)
            await pool.close()
            let closed = try await #require(throws: PostgresError.self) { try await pool.execute(sql("SELECT 1")) }
            #expect(closed.code == .misuse)
        }
    }

    @Test("a server that is down is an error for all who wait, and none once it is back")
    func serverDown() async throws {
        var options = ConnectionOptions()
        options.reconnect = Backoff(tries: 2, firstDelaySeconds: 0.01, longestDelaySeconds: 0.01)
        let pool = ConnectionPool("host=127.0.0.1 port=1", limit: 1, options: options)
        await withTaskGroup { group in
            for _ in 0..<5 {
                group.addTask {
                    let error = await #expect(throws: PostgresError.self) { try await pool.execute(sql("SELECT 1")) }
                    #expect(error?.code == .unreachable)
                }
            }
        }
        await pool.close()
    }
}
