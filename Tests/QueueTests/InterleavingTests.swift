import Postgres
import PostgresTestSupport
import Queue
import Synchronization
import Testing

/// Two sessions, every order of their steps: whatever commits first, the invariants hold and nobody deadlocks.
@Suite(.needsPostgres, .timeLimit(.minutes(5))) struct InterleavingTests {
    /// The steps BEGIN, `body`, COMMIT of one session.
    private func transaction(
        _ session: String, _ body: @escaping @Sendable (Connection) async throws -> Void
    ) -> [Interleaving.Step] {
        [
            Interleaving.Step(session, "\(session) begins", script("BEGIN")),
            Interleaving.Step(session, "\(session) acts", body),
            Interleaving.Step(session, "\(session) commits", script("COMMIT")),
        ]
    }

    /// Runs every order, each in a database of its own.
    private func everyOrder(
        users: Int = 2, of prepare: (PostgresWorld, [ClaimedChunk]) async throws -> [Interleaving.Step],
        then check: (PostgresWorld, [Int64], [Interleaving.Outcome]) async throws -> Void
    ) async throws {
        var order = 0
        while true {
            let orders = try await PostgresWorld.with { world in
                try await world.addTenant("acme")
                let jobs = try await world.enqueueBulk(users)
                let chunks = try await world.claimAll(try await world.worker("a"))
                let interleaving = Interleaving(try await prepare(world, chunks))
                let steps = interleaving.orders[order]
                let outcomes = try await interleaving.run(steps, in: world.database)
                for outcome in outcomes { #expect(outcome.error == nil, "\(outcome.step) in \(steps)") }
                try await check(world, jobs, outcomes)
                try await world.checkInvariants()
                return interleaving.orders.count
            }
            order += 1
            if order == orders { return }
        }
    }

    private func script(_ text: String) -> @Sendable (Connection) async throws -> Void {
        { try await $0.executeScript(Statement(name: text, text: text)) }
    }

    private func call(_ sql: String, _ parameters: Parameters) -> @Sendable (Connection) async throws -> Void {
        { try await $0.execute(Statement(name: sql, text: sql), parameters) }
    }

    @Test("publish × cancel: the job has one outcome, and a pointer only if that is completed")
    func publishAndCancel() async throws {
        try await everyOrder { world, chunks in
            let delivery = chunks[0].completed
            return transaction("publish") { _ = try await PostgresQueueStore.publish(delivery, on: $0) }
                + transaction("cancel", call("SELECT attune.cancel($1)", [.int64(chunks[0].jobs[0].jobID)]))
        } then: { world, jobs, _ in
            let state = try await world.state(of: jobs[0])
            #expect(state == .completed || state == .cancelled)
            #expect(try await world.revision(of: "u0", tenant: "acme") == (state == .completed ? 1 : nil))
            #expect(try await world.revision(of: "u1", tenant: "acme") == 1)
        }
    }

    @Test(
        "publish of a later part × condemn: an object that a delivery's later part names is not condemned, whoever comes first"
    )
    func laterPartAndCondemn() async throws {
        // The object is there and nothing names it any more: its first part was published, and the user of that erased.
        try await everyOrder { world, chunks in
            let delivery = chunks[0].completed
            let key = try #require(delivery.object?.key)
            try await world.run(
                "INSERT INTO attune.object (tenant_id, key, sha256, byte_count) VALUES (1, $1, $2, 4096)",
                [.text(key), .bytes(delivery.object?.sha256)])
            // The key carries the fence of a part that is over; the part published here has another.
            try await world.run(
                "UPDATE attune.chunk SET attempt = attempt + 1 WHERE chunk_id = $1", [.int64(chunks[0].fence.chunkID)])
            var later = delivery
            later.chunks = [
                Fence(
                    chunkID: chunks[0].fence.chunkID, attempt: chunks[0].fence.attempt + 1, token: chunks[0].fence.token
                )
            ]
            let part = later
            return transaction("publish") { _ = try await PostgresQueueStore.publish(part, on: $0) }
                + transaction(
                    "condemn", call("SELECT attune.condemn_objects($1, $2)", [.array([key]), .array([Int64(4096)])]))
        } then: { world, jobs, _ in
            let condemned: Bool = try await world.value("SELECT bool_or(state <> 0) FROM attune.object")
            let slots: Int64 = try await world.value("SELECT count(*) FROM attune.object_slot")
            // Condemned first: the publish finds that out and its jobs run again. Published first: it stays.
            #expect(condemned == (slots == 0))
            let expected: JobState = condemned ? .available : .completed
            #expect(try await world.state(of: jobs[0]) == expected)
        }
    }

    @Test("publish × rescue: the chunk is either published or taken back, wholly")
    func publishAndRescue() async throws {
        try await everyOrder { world, chunks in
            try await world.expireLease(ofWorker: 1)
            let delivery = chunks[0].completed
            return transaction("publish") { _ = try await PostgresQueueStore.publish(delivery, on: $0) }
                + transaction("rescue", call("SELECT * FROM attune.rescue(10)", []))
        } then: { world, jobs, _ in
            let states = [try await world.state(of: jobs[0]), try await world.state(of: jobs[1])]
            #expect(states == [.completed, .completed] || states == [.available, .available])
        }
    }

    @Test("cancel × rescue: a cancelled job does not run again", arguments: [0, 1])
    func cancelAndRescue(_ job: Int) async throws {
        try await everyOrder { world, chunks in
            try await world.expireLease(ofWorker: 1)
            return transaction("cancel", call("SELECT attune.cancel($1)", [.int64(chunks[0].jobs[job].jobID)]))
                + transaction("rescue", call("SELECT * FROM attune.rescue(10)", []))
        } then: { world, jobs, _ in
            #expect(try await world.state(of: jobs[job]) == .cancelled)
            _ = try await world.store.rescue(limit: 10)
            let again = try await world.claimAll(try await world.worker("b"))
            #expect(again.flatMap(\.jobs).map(\.jobID) == [jobs[1 - job]])
        }
    }

    @Test("publish × publish of the same users in opposite order: one wins each user", arguments: [false, true])
    func publishTwice(havePointers: Bool) async throws {
        try await everyOrder(users: 6) { world, chunks in
            var first = chunks
            if havePointers {
                _ = try await world.store.publish(chunks[0].completed)
                first = try await self.claimNewData(world, "b")
            }
            let second = try await self.claimNewData(world, "c")
            let (one, other) = (first[0].completed, second[0].completed)
            return transaction("one") { _ = try await PostgresQueueStore.publish(one, on: $0) }
                + transaction("other") { _ = try await PostgresQueueStore.publish(other, on: $0) }
        } then: { world, _, outcomes in
            let base: Int32 = havePointers ? 1 : 0
            for user in 0..<6 { #expect(try await world.revision(of: "u\(user)", tenant: "acme") == base + 1) }
            let superseded: Int64 = try await world.value(
                "SELECT count(*) FROM attune.attempt_log WHERE error_class = 'superseded'")
            #expect(superseded == 6)
        }
    }

    /// New data for the six users, enqueued in opposite order, and claimed.
    private func claimNewData(_ world: PostgresWorld, _ name: String) async throws -> [ClaimedChunk] {
        for user in 0..<6 { try await world.record(1, of: "u\(user)", tenant: "acme") }
        let entries = (0..<6).reversed().map { Bulk.Entry(user: "u\($0)") }
        _ = try await world.store.enqueue(Bulk(tenant: "acme", entries: entries))
        return try await world.claimAll(try await world.worker(name))
    }

    @Test("publish × erase: nothing of the erased user is left")
    func publishAndErase() async throws {
        try await everyOrder { world, chunks in
            let delivery = chunks[0].completed
            return transaction("publish") { _ = try await PostgresQueueStore.publish(delivery, on: $0) }
                + transaction("erase", call("SELECT attune.erase_user('acme', 'u0')", []))
        } then: { world, jobs, _ in
            let left: Int64 = try await world.value(
                """
                SELECT (SELECT count(*) FROM attune.revision WHERE uid = u.uid) + (SELECT count(*) FROM attune.pointer WHERE uid = u.uid)
                    + (SELECT count(*) FROM attune.object_slot WHERE uid = u.uid) + (SELECT count(*) FROM attune.user_data WHERE uid = u.uid)
                FROM attune."user" u WHERE u.erased_at IS NOT NULL
                """)
            #expect(left == 0)
            #expect(try await world.revision(of: "u1", tenant: "acme") == 1)
        }
    }

    @Test("publish × a producer that is recording: neither waits for the other")
    func publishAndRecord() async throws {
        try await everyOrder { world, chunks in
            let delivery = chunks[0].completed
            let record = #"SELECT attune.record('acme', 'u0', '[{"text": "more", "label": 1}]')"#
            return transaction("publish") { _ = try await PostgresQueueStore.publish(delivery, on: $0) }
                + transaction("record", self.call(record, []))
        } then: { world, _, outcomes in
            #expect(outcomes.allSatisfy { !$0.wasBlocked })
            let number = try await world.revision(of: "u0", tenant: "acme")
            #expect(number == 1)
        }
    }

    @Test("claim × claim: a chunk goes to one of them, and neither waits")
    func claimTwice() async throws {
        try await everyOrder(users: 1) { world, chunks in
            _ = try await world.store.handBack(chunks.map(\.fence))
            let lane: Int32 = try await world.value("SELECT lane FROM attune.chunk WHERE state = 0")
            let (one, other) = (try await world.worker("one"), try await world.worker("other"))
            let claim = "SELECT * FROM attune.claim($1, $2, 1000, 1000)"
            return transaction("one", self.call(claim, [.int64(one), .int32(lane)]))
                + transaction("other", self.call(claim, [.int64(other), .int32(lane)]))
        } then: { world, _, outcomes in
            #expect(outcomes.allSatisfy { !$0.wasBlocked })
            let leased: Int64 = try await world.value("SELECT count(*) FROM attune.chunk WHERE state = 1")
            #expect(leased == 1)
        }
    }

    @Test("claim × a producer that commits meanwhile, with a key before the mark: the next sweep finds its job")
    func claimAndLateCommit() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await world.record(2, of: "u0", tenant: "acme")
            let worker = try await world.worker()
            let lane: Int32 = try await world.value(
                "SELECT attune.lane_for(hashint8(uid)::bigint & 2147483647) FROM attune.\"user\"")
            let enqueue = self.call("SELECT attune.enqueue('acme', 'u0')", [])
            let claimed = Mutex<(mark: LaneMark, horizon: Horizon)?>(nil)
            let interleaving = Interleaving([
                .init("early", "early begins", script("BEGIN")),
                .init("early", "early enqueues", enqueue),
                .init("other", "other enqueues", enqueue),
                // Whoever holds the table stops the claim between what it has read and its end.
                .init("holder", "holds", script("BEGIN; LOCK TABLE attune.outcome IN SHARE MODE")),
                .init("claim", "claims") { connection in
                    let sql = "SELECT sort_key, chunk_id, horizon::text FROM attune.claim($1, $2, 1000, 1000)"
                    let rows = try await connection.execute(
                        Statement(name: sql, text: sql), [.int64(worker), .int32(lane)])
                    let (taken, end) = (try #require(rows.first), try #require(rows.last))
                    let mark = LaneMark(sortKey: try taken.decode(0), chunkID: try taken.decode(1))
                    let horizon = Horizon(try end.decode(2))
                    claimed.withLock { $0 = (mark, horizon) }
                },
                .init("early", "early commits", script("COMMIT")),
                .init("holder", "releases", script("COMMIT")),
            ])
            let order = [
                "early begins", "early enqueues", "other enqueues", "holds", "claims", "early commits", "releases",
            ]
            let outcomes = try await interleaving.run(order, in: world.database)
            for outcome in outcomes { #expect(outcome.error == nil, "\(outcome.step)") }
            #expect(outcomes.contains { $0.step == "claims" && $0.wasBlocked })
            let (mark, horizon) = try #require(claimed.withLock { $0 })
            var sweep = ClaimRequest(workerID: worker, lane: lane)
            (sweep.mark, sweep.lateSince) = (mark, horizon)
            let found = try await world.store.claim(sweep)
            #expect(found.chunks.count == 1 && found.chunks.allSatisfy { $0.place < mark })
        }
    }

    @Test("claim × cancel: the job is cancelled, whether it was claimed or not")
    func claimAndCancel() async throws {
        try await everyOrder { world, chunks in
            _ = try await world.store.handBack(chunks.map(\.fence))
            let lane: Int32 = try await world.value("SELECT lane FROM attune.chunk WHERE state = 0")
            let worker = try await world.worker("one")
            let claim = "SELECT * FROM attune.claim($1, $2, 1000, 1000)"
            return transaction("claim", self.call(claim, [.int64(worker), .int32(lane)]))
                + transaction("cancel", self.call("SELECT attune.cancel($1)", [.int64(chunks[0].jobs[0].jobID)]))
        } then: { world, jobs, _ in
            let state = try await world.state(of: jobs[0])
            #expect(state == .cancelled)
        }
    }

    @Test("publish × collection of its object: either the object is live, or the jobs run again")
    func publishAndCondemn() async throws {
        try await everyOrder { world, chunks in
            // The delivery is named after a chunk that was lost meanwhile, so its key is an orphan's for all one can see.
            _ = try await world.store.enqueue(Bulk(tenant: "acme", entries: [.init(user: "u0"), .init(user: "u1")]))
            let more = try await world.claimAll(try await world.worker("b"))
            var delivery = Delivery(of: chunks + more) { .completed(.test(through: $0.dataSeq), .test) }
            _ = try await world.store.handBack(chunks.map(\.fence))
            let key = try #require(delivery.object?.key)
            delivery.reports.removeFirst(2)
            let published = delivery
            return transaction("publish") { _ = try await PostgresQueueStore.publish(published, on: $0) }
                + transaction(
                    "condemn", self.call("SELECT attune.condemn_objects($1, $2)", [.array([key]), .array([Int64(1)])]))
        } then: { world, _, _ in
            let (live, dead): (Int64, Int64) = try await world.run(
                "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1) FROM attune.object"
            ).one().values(Int64.self, Int64.self)
            #expect(live + dead == 1)
            #expect(try await world.revision(of: "u0", tenant: "acme") == (live == 1 ? 1 : nil))
        }
    }

    @Test("a publish whose transaction was undone can be published again")
    func undonePublish() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            let jobs = try await world.enqueueBulk(2)
            let chunk = try await world.claimOne(try await world.worker())
            await #expect(throws: CancellationError.self) {
                try await world.pool.withTransaction { connection in
                    #expect(try await PostgresQueueStore.publish(chunk.completed, on: connection).completed == 2)
                    throw CancellationError()
                }
            }
            #expect(try await world.state(of: jobs[0]) == .running)
            #expect(try await world.store.publish(chunk.completed).completed == 2)
            try await world.checkInvariants()
        }
    }
}
