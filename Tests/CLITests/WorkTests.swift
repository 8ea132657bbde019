import Foundation
import Postgres
import PostgresTestSupport
import Testing

@Suite(.needsBinary, .timeLimit(.minutes(3))) struct WorkTests {
    private func withPeople(_ count: Int = 3, _ body: (CommandLineTool) async throws -> Void) async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed(
                "sample", "--tenant", "demo", "--users", String(count), "--items", "30", "--examples", "40")
            try await body(attune)
        }
    }

    @Test("jobs come from one user, all users and a file, whose refused lines come back as a file")
    func enqueue() async throws {
        try await withPeople { attune in
            let all = try await attune.succeed("enqueue", "--tenant", "demo", "--all")
            #expect(all.golden == "accepted   3   duplicates 0   rejected 0   TIME\n")
            let one = try await attune.succeed("enqueue", "--tenant", "demo", "u-0", "--dedup-key", "k", "--json")
            let same = try await attune.succeed("enqueue", "--tenant", "demo", "u-0", "--dedup-key", "k", "--json")
            #expect(one.output == same.output)
            let conflict = try await attune.run("enqueue", "--tenant", "demo", "u-1", "--dedup-key", "k")
            #expect(conflict.status == 5 && conflict.errors.hasPrefix("error: demo/u-1: dedup_conflict: "))
            try attune.write(
                "jobs.ndjson", #"{"user":"u-1"}"#, #"{"user":"u-99x"}"#, #"{"user":"u-2","dedup_key":"a"}"#,
                #"{"user":"u-2","dedup_key":"a"}"#, #"{"user":"#, #"{"usr":1}"#)
            let file = try await attune.run("enqueue", "--tenant", "demo", "--file", "jobs.ndjson")
            #expect(file.status == 3 && file.golden == "accepted   2   duplicates 1   rejected 3   TIME\n")
            #expect(
                file.errors == """
                    rejected   jobs.ndjson:5  bad_json: column 9: the text ends where a value is due.
                    rejected   jobs.ndjson:6  bad_job_line: the member "usr" is not known.
                    rejected   jobs.ndjson:2  unknown_user: "u-99x" (record examples first)
                    Fix and send only the rejected:
                      attune enqueue --tenant demo --file jobs.ndjson.rejected

                    """)
            let rejected = try attune.read("jobs.ndjson.rejected").split(separator: "\n").sorted()
            #expect(rejected == [#"{"user":"#, #"{"user":"u-99x"}"#, #"{"usr":1}"#])
        }
    }

    @Test("status says in a sentence how it stands, then figures, then a row a flow")
    func status() async throws {
        try await withPeople { attune in
            #expect(
                try await attune.succeed("status").output.hasPrefix("Idle. Nothing waits.\n\nwaiting            0\n"))
            try await attune.succeed("enqueue", "--tenant", "demo", "--all")
            try await attune.succeed("enqueue", "--tenant", "demo", "u-0", "--delay", "3600")
            #expect(
                try await attune.succeed("status").goldenColumns
                    == """
                    Stuck. 3 jobs wait and no worker is live: attune worker

                    waiting            3   oldest TIME   1 put off
                    in work            0   0 of 0 workers live
                    published          0/s – last hour, 0/s retries
                    discarded          0   last hour

                    TENANT  FLOW         WAITING  OLDEST  RATE/s  EMPTY
                    demo    bulk               3 TIME       0  –
                    demo    interactive        0       –       0  –
                    1 finding: attune doctor

                    """)
            let document = try #require(try await attune.succeed("status", "--json").objects.first)
            #expect(document["verdict"] as? String == "stuck" && document["waiting"] as? Int == 3)
            #expect(document["deferred"] as? Int == 1 && (document["flows"] as? [Any])?.count == 2)
        }
    }

    @Test("a job is listed, shown, cancelled once, and repeated by a new job")
    func jobs() async throws {
        try await withPeople { attune in
            let answer = try #require(
                try await attune.succeed("enqueue", "--tenant", "demo", "u-1", "--json").objects.first)
            let job = String(try #require(answer["job"] as? Int))
            #expect(
                try await attune.succeed("job", job).golden == """
                    job \(job)  available  demo/u-1  adapt
                    DATE  enqueued   interactive

                    """)
            let listed = try await attune.succeed("jobs", "--tenant", "demo", "--user", "u-1", "--json").objects
            #expect(listed.count == 1 && listed[0]["state"] as? String == "available")
            #expect(try await attune.succeed("jobs", "--tenant", "demo", "--state", "running,discarded").output.isEmpty)
            #expect(try await attune.succeed("cancel", job).output == "cancelled  \(job)\n")
            let wait = try await attune.run("job", "wait", job)
            #expect(wait.status == 1 && wait.golden == "ended      cancelled 1   TIME\n")
            let retried = try #require(try await attune.succeed("retry", job, "--json").objects.first)
            let second = String(try #require(retried["runs"] as? Int))
            #expect(second != job)
            #expect(try await attune.succeed("job", second).output.contains("interactive, repeats job \(job)"))
            let table = try await attune.succeed("jobs", "--tenant", "demo").output.split(separator: "\n").map(
                String.init)
            #expect(table.count == 3 && table[0].hasPrefix("STATE ") && table[1].hasPrefix("available"))
            #expect(table[2].hasPrefix("cancelled"))
            #expect(try await attune.run("retry", second, "1").status == 3)
            let late = try await attune.run("job", "wait", second, "--timeout", "0.1")
            #expect(late.status == 9 && late.errors.contains(": timed_out: 1 jobs have not ended after "))
            #expect(try await attune.run("job", "wait", "--all", "--tenant", "demo", "--timeout", "0.1").status == 9)
        }
    }

    @Test("what a person had learned, and how the jobs ended, stands on the user's page and the job's")
    func ended() async throws {
        try await withPeople { attune in
            let answer = try #require(
                try await attune.succeed("enqueue", "--tenant", "demo", "u-1", "--json").objects.first)
            let job = try #require(answer["job"] as? Int)
            // Rows as a publish leaves them; publishing itself is the queue's to test.
            try await attune.database.withConnection { connection in
                try await connection.executeScript(
                    Statement(
                        name: "published",
                        text: """
                            INSERT INTO attune.base (digest, name, width) VALUES (repeat('ab', 32), 'minilm', 3);
                            SELECT attune.promote('demo', 'minilm');
                            INSERT INTO attune.recipe (base_id, kind_id, digest, name, byte_count)
                                VALUES (1, 1, repeat('cd', 32), 'r', 9);
                            INSERT INTO attune.object (tenant_id, key, sha256, byte_count)
                                SELECT tenant_id, 'demo/pack', sha256('x'), 1000 FROM attune.tenant;
                            INSERT INTO attune.revision (uid, job_id, data_through, tenant_id, base_id, recipe_id, number)
                                SELECT uid, \(job), 38, tenant_id, 1, 1, 14 FROM attune."user" WHERE user_id = 'u-1';
                            INSERT INTO attune.object_slot (revision_id, object_id, uid, tenant_id, "offset", length, sha256)
                                SELECT revision_id, 1, uid, tenant_id, 0, 71, sha256('y') FROM attune.revision;
                            INSERT INTO attune.pointer (uid, base_id, tenant_id, revision_id, number, recipe_id, judged_through)
                                SELECT uid, 1, tenant_id, revision_id, 14, 1, 38 FROM attune.revision;
                            INSERT INTO attune.attempt_log (tenant_id, chunk_id, attempt, job_id, claimed_at, error_class, message)
                                SELECT tenant_id, \(job / 1024), 1, job_id, enqueued_at, 'store_unavailable', 'PUT 503'
                                FROM attune.job;
                            INSERT INTO attune.outcome (job_id, chunk_id, tenant_id, attempt, ending, tries, examples,
                                    stored_bytes, loss_before, loss_after, fetch_ms, adapt_ms, claimed_at, revision_id)
                                SELECT j.job_id, \(job / 1024), j.tenant_id, 2, 1, 1, 38, 71, .642, .588, 98, 71,
                                    j.enqueued_at, r.revision_id
                                FROM attune.job j JOIN attune.revision r ON r.uid = j.uid;
                            UPDATE attune.chunk SET state = 4;
                            INSERT INTO attune.stat_delta (worker_id, beat, tenant_id, flow_id, kind_id, ending, jobs)
                                SELECT 1, 1, tenant_id, flow_id, kind_id, 1, 1 FROM attune.job;
                            """))
            }
            #expect(
                try await attune.succeed("job", String(job)).goldenColumns == """
                    job \(job)  completed  demo/u-1  adapt
                    DATE  enqueued   interactive
                     TIME  attempt 1
                     TIME  store_unavailable: PUT 503
                     TIME  attempt 2
                     TIME  completed  revision 14, 71 B
                    guard      loss .642 -> .588
                    data       38 examples, 2 newer are waiting
                    stages     fetch 98 ms, adapt 71 ms

                    """)
            let user = try await attune.succeed("user", "demo", "u-1")
            #expect(
                user.golden.hasPrefix(
                    "demo/u-1   Uses revision 14, published TIME ago, 71 B. It has seen all but the newest 2 of 40 examples.\n"
                ))
            #expect(user.output.contains("14*  minilm  1-38  71 B"))
            let status = try #require(try await attune.succeed("status", "--json").objects.first)
            #expect((status["endedLastHour"] as? [String: Int])?["completed"] == 1)
            let cancelled = try await attune.run("cancel", String(job))
            #expect(cancelled.status == 5 && cancelled.output == "unchanged  \(job)  it had ended as completed\n")
            let retried = try await attune.run("retry", String(job))
            #expect(retried.status == 5 && retried.errors.contains(": already_ended: "))
            let wait = try await attune.succeed("job", "wait", String(job), "--json").objects
            #expect((wait.first?["ended"] as? [String: Int]) == ["completed": 1])
        }
    }
}
