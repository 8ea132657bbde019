import Postgres
import PostgresTestSupport
import Queue
import Testing

/// The functions that people call in SQL.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct SQLFunctionTests {
    private func inTenant(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await body(world)
        }
    }

    @Test("every table, view, function and sequence of the schema has a comment")
    func comments() async throws {
        try await PostgresWorld.with { world in
            let bare = try await world.run(
                """
                SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'attune'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
                    AND c.relname <> 'schema_version' AND obj_description(c.oid, 'pg_class') IS NULL
                UNION ALL
                SELECT p.proname FROM pg_proc p
                WHERE p.pronamespace = 'attune'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
                """)
            #expect(try bare.map { try $0.decode(0, as: String.self) } == [])
        }
    }

    @Test(
        "examples that cannot be accepted are refused with their class and position",
        arguments: [
            (#"[]"#, "no_examples"), (#"{"text": "a"}"#, "no_examples"),
            (#"[{"text": "a", "label": 1}, {"text": "b"}]"#, "bad_label"),
            (#"[{"text": "a", "label": 1e39}]"#, "bad_label"), (#"[{"text": "a", "label": "1"}]"#, "bad_label"),
            (#"[{"label": 1}]"#, "bad_example"), (#"[{"text": "a", "item": "b", "label": 1}]"#, "bad_example"),
            (#"[7]"#, "bad_example"), (#"[{"text": {"a": 1}, "label": 1}]"#, "bad_example"),
            (#"[{"text": " ", "label": 1}]"#, "empty_text"), (#"[{"item": "m17", "label": 1}]"#, "unknown_item"),
            (#"[{"text": "\#(String(repeating: "x", count: 20001))", "label": 1}]"#, "text_too_long"),
        ])
    func badExamples(_ body: String, _ expected: String) async throws {
        try await inTenant { world in
            let refused = await errorClass {
                try await world.run("SELECT attune.record('acme', 'u', $1)", [.json(body)])
            }
            #expect(refused == expected)
            let users: Int64 = try await world.value("SELECT count(*) FROM attune.\"user\"")
            #expect(users == 0)
        }
    }

    @Test("examples are kept in order, items resolved, and counted")
    func record() async throws {
        try await inTenant { world in
            try await world.run("INSERT INTO attune.catalogue (tenant_id, name) VALUES (1, 'default')")
            try await world.run(
                "INSERT INTO attune.item (tenant_id, catalogue_id, external_id, text) VALUES (1, 1, 'm1', 'one'), (1, 1, 'm2', 'two')"
            )
            let mixed = #"[{"item": "m2", "label": 1}, {"text": "own", "label": 0}, {"item": "m1", "label": 0.5}]"#
            let count: Int64 = try await world.value("SELECT attune.record('acme', 'u', $1)", [.json(mixed)])
            #expect(count == 3)
            #expect(try await world.value("SELECT attune.record('acme', 'u', $1)", [.json(mixed)]) == Int64(6))
            let rows = try await world.run("SELECT seq, items, labels, texts FROM attune.user_data ORDER BY seq")
            let (seq, items, labels, texts) = try rows[0].values(
                Int64.self, [Int32?].self, [Float].self, [String?].self)
            #expect((seq, items, labels) == (3, [2, nil, 1], [1, 0, 0.5]))
            #expect(texts == [nil, "own", nil])
            #expect(try rows[1].decode(0, as: Int64.self) == 6)
        }
    }

    @Test("recordings by the thousand keep each user's order, and fail as a whole")
    func recordInBulk() async throws {
        try await inTenant { world in
            func commit(_ rows: String) async throws -> Rows {
                try await world.pool.withTransaction { connection in
                    for sql in ["SELECT attune.record_begin()", "INSERT INTO pg_temp.attune_recording VALUES \(rows)"] {
                        try await connection.execute(Statement(name: sql, text: sql))
                    }
                    return try await connection.execute(
                        Statement(name: "commit", text: "SELECT * FROM attune.record_commit('acme')"))
                }
            }
            let report = try await commit(
                "('a', NULL, '{1,0}', '{x,y}'), ('b', NULL, '{1}', '{z}'), ('a', NULL, '{0,1,1}', '{p,q,r}')")
            let counts = try report.one().values(Int64.self, Int64.self, Int64.self)
            #expect(counts == (3, 2, 6))
            let rows = try await world.run(
                """
                SELECT u.user_id, d.seq, d.texts FROM attune.user_data d JOIN attune."user" u USING (uid) ORDER BY 1, 2
                """)
            let found = try rows.map { try $0.values(String.self, Int64.self, [String].self) }
            #expect(found.map(\.0) == ["a", "a", "b"])
            #expect(found.map(\.1) == [2, 5, 1])
            #expect(found.map(\.2) == [["x", "y"], ["p", "q", "r"], ["z"]])
            for (bad, expected) in [
                ("('a', NULL, '{NaN}', '{x}')", "bad_label"), ("('a', '{nope}', '{1}', NULL)", "unknown_item"),
                ("('a', NULL, '{1,0}', '{x}')", "bad_example"), ("('', NULL, '{1}', '{x}')", "bad_user_id"),
                ("('a', NULL, '{}', NULL)", "no_examples"), ("('a', NULL, '{1}', '{NULL}')", "bad_example"),
            ] {
                #expect(await errorClass { _ = try await commit("('c', NULL, '{1}', '{x}'), \(bad)") } == expected)
            }
            #expect(try await world.value("SELECT count(*) FROM attune.\"user\"") == Int64(2))
        }
    }

    @Test("outcomes are told in commit order, each once, and a late commit is not skipped")
    func outcomeFeed() async throws {
        try await inTenant { world in
            let jobs = try await world.enqueueBulk(4)
            let feed = "SELECT next_cursor, job_id FROM attune.outcomes_since('acme', $1, 2)"
            func read(_ cursor: String?) async throws -> (cursor: String?, jobs: [Int64]) {
                let rows = try await world.run(feed, [.text(cursor)])
                return (try rows.last?.decode(0) ?? cursor, try rows.map { try $0.decode(1, as: Int64.self) })
            }
            try await world.database.withConnection { late in
                let cancel = "SELECT attune.cancel($1)"
                try await late.executeScript(Statement(name: "begin", text: "BEGIN"))
                try await late.execute(Statement(name: cancel, text: "SELECT pg_current_xact_id()"))
                _ = try await world.store.enqueue(NewJob(tenant: "acme", user: "u0"))
                let single = try await world.store.enqueue(NewJob(tenant: "acme", user: "u1"))
                _ = try await world.store.cancel(jobID: single)
                // The older transaction is still open: what came after it waits.
                #expect(try await read(nil).jobs == [])
                try await late.execute(Statement(name: cancel, text: cancel), [.int64(jobs[3])])
                try await late.executeScript(Statement(name: "commit", text: "COMMIT"))
                // Transactions of other databases hold the feed back too; other tests have some.
                var first = try await read(nil)
                while first.jobs.count < 2 { first = try await read(nil) }
                #expect(first.jobs == [jobs[3], single])
                #expect(try await read(first.cursor).jobs == [])
            }
            let bad = await errorClass { _ = try await read("yesterday") }
            #expect(bad == "bad_cursor")
        }
    }

    @Test("outcomes of chunks that ended piece by piece are told each once and in order, whatever the page")
    func outcomePages() async throws {
        try await inTenant { world in
            let worker = try await world.worker()
            let jobs = try await world.enqueueBulk(7)
            _ = try await world.store.cancel(jobID: jobs[2])
            let claimed = try await world.claimOne(worker)
            // The first fails and one in the middle: the first outcome of the rest is the second job's.
            _ = try await world.store.publish(
                claimed.delivery { job in
                    [jobs[0], jobs[4]].contains(job.jobID)
                        ? .failed(errorClass: "x", message: "m", retryable: true)
                        : .completed(.test(through: job.dataSeq), .test)
                })
            _ = try await world.enqueueBulk(3)
            for _ in 0..<4 {
                try await world.makeDeferredDue()
                _ = try await world.store.wake(limit: 100)
                for chunk in try await world.claimAll(worker) { _ = try await world.store.publish(chunk.completed) }
            }
            func pages(of size: Int) async throws -> [Int64] {
                var (cursor, told): (String?, [Int64]) = (nil, [])
                while true {
                    let page = try await world.run(
                        "SELECT next_cursor, job_id FROM attune.outcomes_since('acme', $1, $2)",
                        [.text(cursor), .int32(Int32(size))])
                    #expect(page.count <= size)
                    guard let last = page.last else { return told }
                    cursor = try last.decode(0)
                    for row in page { told.append(try row.decode(1)) }
                }
            }
            let ended: Int64 = try await world.value("SELECT count(*) FROM attune.outcome")
            #expect(ended == 10)
            // Transactions of other databases hold the feed back too; other tests have some.
            var all = try await pages(of: 1000)
            while all.count < ended { all = try await pages(of: 1000) }
            #expect(Set(all).count == all.count)
            #expect(Array(all.prefix(5)) == [jobs[2], jobs[1], jobs[3], jobs[5], jobs[6]])
            for size in 1...6 { #expect(try await pages(of: size) == all, "pages of \(size)") }
            // What they share is the same seen from any of them.
            let apart: Int64 = try await world.value(
                """
                SELECT count(*) FROM attune.jobs WHERE finished_at IS NOT NULL AND state = 'completed'
                    AND (attempt IS NULL OR worker IS NULL OR claimed_at IS NULL OR adapt_ms IS NULL)
                """)
            #expect(apart == 0)
        }
    }

    @Test("a rollback goes to an earlier revision if nobody published meanwhile, and its data counts as new again")
    func rollback() async throws {
        try await inTenant { world in
            let worker = try await world.worker()
            for _ in 0..<3 {
                try await world.record(2, of: "u", tenant: "acme")
                _ = try await world.store.enqueue(NewJob(tenant: "acme", user: "u"))
                _ = try await world.store.publish(try await world.claimOne(worker).completed)
            }
            func back(to: Int, from: Int) async -> String? {
                await errorClass { try await world.run("SELECT attune.rollback('acme', 'u', \(to), \(from))") }
            }
            #expect(await back(to: 1, from: 2) == "stale_revision")
            #expect(await back(to: 9, from: 3) == "unknown_revision")
            #expect(await back(to: 1, from: 3) == nil)
            #expect(try await world.revision(of: "u", tenant: "acme") == 1)
            #expect(try await world.value("SELECT newer_examples FROM attune.users") == Int64(4))
            _ = try await world.store.enqueue(NewJob(tenant: "acme", user: "u"))
            #expect(try await world.store.publish(try await world.claimOne(worker).completed).completed == 1)
            #expect(try await world.revision(of: "u", tenant: "acme") == 4)
            #expect(await back(to: 0, from: 4) == nil)
            #expect(try await world.revision(of: "u", tenant: "acme") == nil)
        }
    }
}
