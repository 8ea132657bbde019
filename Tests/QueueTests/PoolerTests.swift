import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Everything but leadership works through a pooler in transaction mode (QUEUE.md, rule 26).
@Suite(.needsPostgres, .needsPooler, .timeLimit(.minutes(3))) struct PoolerTests {
    /// Runs `body` over a pool of six connections to a pooler that has two to the server.
    private func throughPooler(
        _ options: ConnectionOptions = ConnectionOptions(), _ body: (PostgresWorld) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            try await TransactionPooler.with(database) { pooler in
                var options = options
                options.reconnect = .connecting
                try await ConnectionPool.with(pooler.conninfo, limit: 6, options: options) { pool in
                    let world = PostgresWorld(database: database, pool: pool, queue: PostgresQueueStore(pool))
                    try await world.prepare()
                    try await body(world)
                }
            }
        }
    }

    @Test(
        "the queue behind a pooler",
        arguments: [
            QueueConformance.completes, .bulk, .dedupBulk, .merged, .failed, .expired, .supersededOnce, .isolation,
        ])
    func conforms(_ conformance: QueueConformance) async throws {
        try await throughPooler { world in
            try await conformance.check(world)
            try await world.checkInvariants()
        }
    }

    @Test("six clients at once share the pooler's connections: no statement needs the one before it on the same")
    func shares() async throws {
        try await throughPooler { world in
            try await world.addTenant("acme")
            let jobs = try await world.enqueueBulk(200)
            let processes = try await withThrowingTaskGroup(of: [Int32].self) { group in
                for client in 0..<6 {
                    group.addTask {
                        let worker = try await world.worker("w\(client)")
                        var seen: [Int32] = []
                        for _ in 0..<5 {
                            for chunk in try await world.claimAll(worker) {
                                _ = try await world.store.publish(chunk.completed)
                            }
                            seen.append(try await world.value("SELECT pg_backend_pid()"))
                        }
                        return seen
                    }
                }
                return try await group.reduce(into: Set<Int32>()) { $0.formUnion($1) }
            }
            #expect(processes.count <= TransactionPooler.serverConnections)
            for job in jobs { #expect(try await world.state(of: job) == .completed) }
            try await world.checkInvariants()
        }
    }

    @Test("a setting of one transaction is gone in the next: a claim's is not left to another client")
    func settings() async throws {
        try await throughPooler { world in
            try await world.addTenant("acme")
            _ = try await world.enqueueBulk(1)
            _ = try await world.claimAll(try await world.worker())
            for _ in 0..<4 {
                let setting: String = try await world.value("SELECT current_setting('synchronous_commit')")
                #expect(setting == "on")
            }
        }
    }

    @Test("named prepared statements, which rule 26 forbids here, do fail: the pooler does mix clients")
    func preparedNames() async throws {
        var options = ConnectionOptions()
        options.preparesStatements = true
        let failure = await errorClass {
            try await throughPooler(options) { world in
                try await world.addTenant("acme")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<6 {
                        group.addTask {
                            for _ in 0..<20 { try await world.record(1, of: "u\(client)", tenant: "acme") }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        #expect(failure != nil)
    }
}
