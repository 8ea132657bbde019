import Postgres
import PostgresTestSupport
import Problem
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct ConnectionTests {
    @Test("a refused statement says why, with its SQLSTATE and name, and leaves the connection usable")
    func refusedStatement() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                try await connection.executeScript(sql("CREATE TABLE t (name text CONSTRAINT only_once UNIQUE)"))
                let insert = Statement(name: "queries/insert.sql", text: "INSERT INTO t VALUES ($1)")
                #expect(try await connection.execute(insert, [.text("secret key")]).affectedCount == 1)
                let error = try await #require(throws: PostgresError.self) {
                    try await connection.execute(insert, [.text("secret key")])
                }
                #expect(error.code == .statement)
                #expect(error.sqlState == .uniqueViolation)
                #expect(error.constraint == "only_once")
                #expect(error.detail?.contains("secret key") == true)
                #expect(!error.description.contains("secret key"))
                #expect(error.description.contains("queries/insert.sql"))
                #expect(!error.isRetryable && !error.mayHaveCommitted)
                #expect(await connection.isUsable)
            }
        }
    }

    @Test("what a function of schema attune refuses becomes a Problem in its own words")
    func refusedByFunction() async throws {
        try await TestDatabase.with(.migrated) { database in
            try await database.withConnection { connection in
                let error = try await #require(throws: PostgresError.self) {
                    try await connection.execute(
                        sql(
                            "SELECT attune.refuse('unknown_user', 'acme', 'no user u-9', 'record examples of the user first')"
                        ))
                }
                let problem = error.problem
                #expect(problem.location == "acme")
                #expect(problem.errorClass == "unknown_user")
                #expect(problem.reason == "no user u-9.")
                #expect(problem.remedy == "record examples of the user first")
            }
        }
    }

    @Test("statements can be prepared per connection, also after one of them failed")
    func preparedStatements() async throws {
        try await TestDatabase.with(.empty) { database in
            var options = ConnectionOptions()
            options.preparesStatements = true
            let connection = try await Connection.open(database.conninfo, options: options)
            let divide = sql("SELECT 6 / $1::int")
            for divisor: Int32 in [1, 2, 3] {
                #expect(
                    try await connection.execute(divide, [.int32(divisor)]).one().decode(0, as: Int32.self) == 6
                        / divisor)
            }
            await #expect(throws: PostgresError.self) { try await connection.execute(divide, [.int32(0)]) }
            await #expect(throws: PostgresError.self) { try await connection.execute(sql("SELEC")) }
            #expect(try await connection.execute(divide, [.int32(6)]).one().decode(0, as: Int32.self) == 1)
            let names = try await connection.execute(sql("SELECT count(*) FROM pg_prepared_statements"))
            #expect(try names.one().decode(0, as: Int.self) == 2)
            await connection.close()
        }
    }

    @Test("cancelling the task ends the statement on the server")
    func cancellation() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let start = ContinuousClock.now
                let task = Task { try await connection.execute(sql("SELECT pg_sleep(30)")) }
                try await database.withConnection { watcher in
                    let running = sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'")
                    while try await watcher.execute(running, [.int32(connection.processID)]).one().decode(
                        0, as: Int.self) == 0
                    {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                }
                task.cancel()
                let error = try await #require(throws: PostgresError.self) { try await task.value }
                #expect(error.code == .cancelled)
                #expect(ContinuousClock.now - start < .seconds(10))
                #expect(await !connection.isUsable)
            }
        }
    }

    @Test("a task that is cancelled already runs no statement")
    func cancelledBefore() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                let task = Task {
                    unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                    try await connection.executeScript(sql("CREATE TABLE t ()"))
                }
                let error = try await #require(throws: PostgresError.self) { try await task.value }
                #expect(error.code == .cancelled)
                let made = try await connection.execute(sql("SELECT to_regclass('t') IS NOT NULL"))
                #expect(try made.one().decode(0, as: Bool.self) == false)
            }
        }
    }

    @Test("a server that does not answer in time counts as lost, and the statement as undecided")
    func silence() async throws {
        try await TestDatabase.with(.empty) { database in
            var options = ConnectionOptions()
            options.replyTimeoutSeconds = 0.1
            let connection = try await Connection.open(database.conninfo, options: options)
            let error = try await #require(throws: PostgresError.self) {
                try await connection.execute(sql("SELECT pg_sleep(1)"))
            }
            #expect(error.code == .connectionLost && error.isRetryable && error.mayHaveCommitted)
            await connection.close()
            let closed = try await #require(throws: PostgresError.self) {
                try await connection.execute(sql("SELECT 1"))
            }
            #expect(closed.code == .misuse)
        }
    }

    @Test("a connection that the server ends is seen to be broken without asking")
    func endedByServer() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { connection in
                #expect(await connection.isUsable)
                try await database.withConnection { other in
                    try await other.execute(
                        sql("SELECT pg_terminate_backend($1, 5000)"), [.int32(connection.processID)])
                }
                while await connection.isUsable { try await Task.sleep(for: .milliseconds(1)) }
                await #expect(throws: PostgresError.self) { try await connection.execute(sql("SELECT 1")) }
            }
        }
    }

    @Test("a server that is down is tried again, then reported with host, tries and time")
    func unreachable() async throws {
        var options = ConnectionOptions()
        options.reconnect = Backoff(tries: 3, firstDelaySeconds: 0.01, longestDelaySeconds: 0.01)
        // Port 1 is reserved and nothing listens on it.
        let error = try await #require(throws: PostgresError.self) {
            try await Connection.open("host=127.0.0.1 port=1 dbname=x password=secret", options: options)
        }
        #expect(error.code == .unreachable && error.tries?.count == 3)
        let problem = error.problem
        #expect(problem.errorClass == "database_unreachable" && problem.isRetryable)
        #expect(problem.location == "127.0.0.1:1")
        #expect(problem.reason.contains("onnection refused") && problem.reason.contains("3 tries in "))
        #expect(!problem.description.contains("secret"))
    }

    @Test(
        "what only a person can put right is not tried again",
        arguments: [
            ("dbname=no_such_database", "database_missing", "3D000"), ("user=no_such_role", "database_denied", "28000"),
        ])
    func refusedConnection(setting: String, errorClass: String, state: String) async throws {
        let conninfo = try PostgresServer.requireConninfo() + " " + setting
        let error = try await #require(throws: PostgresError.self) { try await Connection.open(conninfo) }
        #expect(error.code == .refused && error.tries?.count == 1)
        #expect(error.sqlState == SQLState(state))
        #expect(error.problem.errorClass == errorClass)
    }

    @Test("a connection string that cannot be read is reported without its values")
    func unreadableString() async throws {
        let error = try await #require(throws: PostgresError.self) {
            try await Connection.open("hots=db.internal password=secret")
        }
        #expect(error.code == .configuration && error.message.contains("hots"))
        #expect(!error.description.contains("secret"))
    }

    @Test("many connections wait for each other's locks without stopping the process")
    func manyBlockedConnections() async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { holder in
                try await holder.execute(sql("SELECT pg_advisory_lock(1)"))
                try await withThrowingTaskGroup { group in
                    for _ in 0..<24 {
                        group.addTask {
                            try await database.withConnection {
                                _ = try await $0.execute(sql("SELECT pg_advisory_lock_shared(1)"))
                            }
                        }
                    }
                    let waiting = sql(
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = $1")
                    while try await holder.execute(waiting, [.text(database.name)]).one().decode(0, as: Int.self) < 24 {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    try await holder.execute(sql("SELECT pg_advisory_unlock(1)"))
                    try await group.waitForAll()
                }
            }
        }
    }
}
