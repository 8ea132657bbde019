import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Testing

/// Rows that nobody needs any more, and those that somebody does.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct PruningTests {
    /// Prunes to the end of a pass, few rows at a time.
    private func prune(_ duty: HistoryQueue.Duty, _ history: HistoryWorld) async throws {
        while try await history.history.prune(duty, epoch: history.epoch, budget: 2) >= 2 {}
    }

    @Test(
        "closed chunks go a day after their last claim; open ones and younger ones stay, and so does the answer to a lost reply"
    )
    func chunks() async throws {
        try await HistoryWorld.with { history in
            let (world, worker) = (history.world, try await history.world.worker())
            for user in ["a", "b", "c", "d"] { try await world.record(2, of: user, tenant: "acme") }
            func chunkIDs() async throws -> [Int64] {
                try await world.run("SELECT chunk_id FROM attune.chunk ORDER BY 1").map { try $0.decode(0) }
            }
            func finish(_ user: String) async throws -> (chunk: ClaimedChunk, job: Int64) {
                let job = try await history.enqueue(user)
                let chunk = try await world.claimOne(worker)
                _ = try await world.store.publish(chunk.completed)
                return (chunk, job)
            }
            let old = try await finish("a")
            let neverClaimed = try await history.enqueue("c", after: 100_000)
            _ = try await world.store.cancel(jobID: neverClaimed)
            let waits = try await history.enqueue("d", after: 100_000)
            let young = try await finish("b")
            _ = try await history.history.advance(epoch: history.epoch)
            try await prune(.chunks, history)
            #expect(try await chunkIDs().count == 4, "nothing is a day old")

            // Now all of them were made more than a day ago; only the first was also claimed then.
            try await world.run("UPDATE attune.id_mark SET at = at - interval '25 hours', next_chunk = next_chunk")
            try await world.run(
                "UPDATE attune.chunk SET claimed_at = claimed_at - interval '25 hours' WHERE chunk_id = $1",
                [.int64(old.job >> 10)])
            try await prune(.chunks, history)
            #expect(try await chunkIDs() == [waits >> 10, young.job >> 10])
            #expect(
                try await world.store.publish(young.chunk.completed).publishedBefore == [young.chunk.fence.chunkID])
            #expect(try await world.store.publish(old.chunk.completed).lostChunks == [old.chunk.fence.chunkID])
            #expect(try await world.state(of: old.job) == .completed)
            #expect(try await world.revision(of: "a", tenant: "acme") == 1, "asking late changed nothing")

            // The next pass comes an hour later and takes what has grown old since.
            try await world.run("UPDATE attune.chunk SET claimed_at = claimed_at - interval '25 hours'")
            try await prune(.chunks, history)
            #expect(try await chunkIDs().count == 2)
            try await world.run("UPDATE attune.upkeep SET pass_began_at = pass_began_at - interval '61 minutes'")
            try await prune(.chunks, history)
            #expect(try await chunkIDs() == [waits >> 10])
            #expect(try await world.value("SELECT removed FROM attune.upkeep WHERE duty = 'chunks'") == Int64(3))
        }
    }

    @Test("a chunk made after the newest old mark is not even looked at")
    func youngChunks() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.run("INSERT INTO attune.id_mark VALUES (clock_timestamp() - interval '2 days', 2)")
            try await world.record(2, of: "a", tenant: "acme")
            for _ in 0..<5 { _ = try await history.enqueue("a") }
            #expect(try await history.history.prune(.chunks, epoch: history.epoch, budget: 100) == 1)
        }
    }

    @Test("old tries go from the oldest on, and a step never passes one that stays")
    func attempts() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.run(
                """
                INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, error_class, at)
                SELECT 1, n, 1, 'x', clock_timestamp() - make_interval(days => d) FROM unnest(ARRAY[40, 35, 1, 50, 33]) WITH ORDINALITY AS u (d, n)
                """)
            func left() async throws -> [Int64] {
                try await world.run("SELECT chunk_id FROM attune.attempt_log ORDER BY 1").map { try $0.decode(0) }
            }
            try await prune(.attempts, history)
            #expect(try await left() == [3, 4, 5])
            try await world.run("UPDATE attune.attempt_log SET at = at - interval '40 days' WHERE chunk_id = 3")
            try await prune(.attempts, history)
            #expect(try await left() == [])
        }
    }

    @Test("workers that stopped or were lost long ago go, unless they hold a chunk or a lane")
    func workers() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            var ids: [String: Int64] = [:]
            for name in ["stopped", "lost", "holds", "owns", "live", "young"] {
                ids[name] = try await world.worker(name)
            }
            try await world.record(2, of: "a", tenant: "acme")
            _ = try await history.enqueue("a")
            _ = try await world.claimOne(try #require(ids["holds"]))
            try await world.run("UPDATE attune.lane SET owner = $1 WHERE lane_id = 65536", [.int64(ids["owns"])])
            try await world.run("UPDATE attune.worker SET state = 'stopped' WHERE name IN ('stopped', 'owns', 'young')")
            try await world.run(
                """
                UPDATE attune.worker SET heartbeat_at = heartbeat_at - interval '31 days',
                    lease_until = CASE name WHEN 'live' THEN lease_until ELSE lease_until - interval '31 days' END
                WHERE name <> 'young'
                """)
            try await prune(.workers, history)
            let left = try await world.run("SELECT name FROM attune.worker ORDER BY name").map {
                try $0.decode(0, as: String.self)
            }
            #expect(left == ["holds", "live", "owns", "young"])
        }
    }

    @Test("the row of a deleted object goes when no claim is as old as its end")
    func objects() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.run(
                """
                INSERT INTO attune.object (tenant_id, key, sha256, byte_count, state, condemned_at)
                SELECT 1, 'acme/' || n, sha256('x'), 1, s, clock_timestamp() - make_interval(days => d)
                FROM unnest(ARRAY[2, 2, 1, 2], ARRAY[40, 60, 60, 20]) WITH ORDINALITY AS u (s, d, n)
                """)
            func left() async throws -> [String] {
                try await world.run("SELECT key FROM attune.object ORDER BY 1").map { try $0.decode(0) }
            }
            // A worker that has been at it for 50 days could still name the first.
            try await world.record(2, of: "a", tenant: "acme")
            _ = try await history.enqueue("a")
            let chunk = try await world.claimOne(try await world.worker())
            try await world.run("UPDATE attune.chunk SET claimed_at = claimed_at - interval '50 days'")
            try await prune(.objects, history)
            #expect(try await left() == ["acme/1", "acme/3", "acme/4"])
            _ = try await world.store.handBack([chunk.fence])
            try await world.run("UPDATE attune.upkeep SET pass_began_at = pass_began_at - interval '61 minutes'")
            try await prune(.objects, history)
            #expect(try await left() == ["acme/3", "acme/4"])
        }
    }

    @Test(
        "a revision goes once it is old and no pointer names it, with its slot; what is used stays at any age, and what a rollback just chose"
    )
    func revisions() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.record(2, of: "a", tenant: "acme")
            try await world.record(2, of: "b", tenant: "acme")
            // Three revisions each under base 1, the newest in use; a's first is young; b uses its second again.
            try await world.run(
                """
                INSERT INTO attune.object (tenant_id, key, sha256, byte_count) VALUES (1, 'acme/x', sha256('x'), 100)
                """)
            try await world.run(
                """
                INSERT INTO attune.revision (uid, job_id, data_through, published_at, tenant_id, base_id, recipe_id, number)
                SELECT u.uid, 1, 2, clock_timestamp() - make_interval(days => CASE WHEN u.user_id = 'a' AND n = 1 THEN 5 ELSE 40 END),
                    1, 1, 1, n
                FROM attune."user" u, generate_series(1, 3) AS n ORDER BY u.user_id, n
                """)
            try await world.run(
                """
                INSERT INTO attune.object_slot (revision_id, object_id, uid, tenant_id, "offset", length, sha256)
                SELECT r.revision_id, o.object_id, r.uid, 1, 0, 10, sha256('y') FROM attune.revision r, attune.object o
                """)
            try await world.run(
                """
                INSERT INTO attune.pointer (uid, base_id, tenant_id, revision_id, number, recipe_id, judged_through)
                SELECT r.uid, 1, 1, r.revision_id, 3, 1, 2 FROM attune.revision r JOIN attune."user" u USING (uid)
                WHERE r.number = CASE u.user_id WHEN 'a' THEN 3 ELSE 2 END
                """)
            func left() async throws -> [String] {
                try await world.run(
                    """
                    SELECT u.user_id || r.number || CASE WHEN s.revision_id IS NULL THEN '?' ELSE '' END
                    FROM attune.revision r JOIN attune."user" u USING (uid) LEFT JOIN attune.object_slot s USING (revision_id)
                    ORDER BY 1
                    """
                ).map { try $0.decode(0) }
            }
            try await prune(.revisions, history)
            #expect(try await left() == ["a1", "a3", "b2"])
            #expect(try await world.run("SELECT count(*) FROM attune.object_slot").one().decode(0, as: Int64.self) == 3)
        }
    }

    @Test("a dedup key whose job was dropped with its partition is free again")
    func dedup() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.run("UPDATE attune.setting SET dedup_days = 60")
            try await world.record(1, of: "u", tenant: "acme")
            var job = NewJob(tenant: "acme", user: "u")
            job.dedupKey = "k"
            let first = try await world.store.enqueue(job)
            _ = try await world.store.cancel(jobID: first)
            try await history.closeUsed()
            try await history.age(jobs: [first])
            #expect(try await history.dropOldest())
            #expect(try await world.store.enqueue(job) == first, "kept for 60 days")
            try await world.run("UPDATE attune.dedup SET expires = clock_timestamp()")
            #expect(try await SchedulerQueue(world.pool).forgetDedupKeys() == 1)
            #expect(try await world.store.enqueue(job) != first)
        }
    }
}
