import Foundation
import Postgres
import PostgresTestSupport
import Testing

/// Running again, in bulk, what failed (CONSOLE.md, section 1, rule 8: what it will do before, what it did after).
@Suite(.needsBinary, .timeLimit(.minutes(2))) struct RedriveTests {
    /// Two tenants; acme with `count` jobs discarded as bad_data, birch with one, and a few that ended otherwise.
    private func withFailures(_ count: Int, _ body: (CommandLineTool) async throws -> Void) async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("migrate")
            for tenant in ["acme", "birch"] { try await attune.succeed("tenant", "create", tenant) }
            try await attune.database.withConnection { connection in
                let fill = """
                    INSERT INTO attune."user" (tenant_id, user_id, data_seq) SELECT 1 + (n > 50)::int, 'u-' || n, 4 FROM generate_series(1, 60) n;
                    SELECT setval('attune.chunk_id_seq', 10000);
                    INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms, payload)
                        SELECT 1024 * n, 1 + n % 50, 1, 2, 1, 5, sha256(int8send(n)) FROM generate_series(1::bigint, \(count + 2)) n;
                    INSERT INTO attune.job (job_id, uid, tenant_id, flow_id, kind_id, cost_ms) VALUES (1024 * 9000, 55, 2, 5, 1, 5);
                    INSERT INTO attune.outcome (job_id, chunk_id, tenant_id, attempt, ending, tries, error_class)
                        SELECT job_id, job_id >> 10, tenant_id, 1, 6, 5, 'bad_data' FROM attune.job;
                    UPDATE attune.outcome SET finished_at = now() - interval '1 day' WHERE job_id = 1024;
                    UPDATE attune.outcome SET error_class = 'other' WHERE job_id = 2048;
                    """
                try await connection.executeScript(Statement(name: "fill", text: fill))
            }
            try await body(attune)
        }
    }

    private func count(_ sql: String, _ attune: CommandLineTool) async throws -> Int64 {
        try await attune.database.withConnection { connection in
            try await connection.execute(Statement(name: sql, text: sql)).one().decode(0)
        }
    }

    @Test("it says what it will do, wants a yes, does it in steps, once, and leaves a row in the audit table")
    func redrives() async throws {
        try await withFailures(2300) { attune in
            let filter = ["retry", "--error-class", "bad_data", "--since", "2h", "--tenant", "acme"]
            let unasked = try await attune.run(filter)
            #expect(unasked.status == 2 && unasked.output.isEmpty)
            #expect(
                unasked.errors.replacing(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, with: "DATE") == """
                    At least 2000 discarded and 0 waiting jobs failed with bad_data since DATE (acme 2000).
                    Each discarded one becomes a new job at the end of its flow, with fresh tries; the waiting ones run now.
                    error: attune retry: usage: nobody is there to ask, and nothing was done.
                      do: give --yes.

                    """)
            #expect(try await count("SELECT count(*) FROM attune.job WHERE retry_of IS NOT NULL", attune) == 0)
            let done = try #require(try await attune.run(filter + ["--yes", "--json"]).objects.first)
            #expect(done["asNew"] as? Int == 2300 && done["retriedBefore"] as? Int == 0)
            let again = try #require(try await attune.run(filter + ["--yes", "--json"]).objects.first)
            #expect(again["asNew"] as? Int == 0 && again["retriedBefore"] as? Int == 2300)
            let copies = """
                SELECT count(*) FROM attune.job n JOIN attune.job o ON o.job_id = n.retry_of JOIN attune.chunk c ON c.chunk_id = n.job_id >> 10
                WHERE n.uid = o.uid AND n.payload = o.payload AND c.tenant_id = 1 AND c.flow_id = 2 AND c.state = 0
                """
            #expect(try await count(copies, attune) == 2300)
            #expect(try await count("SELECT sum(job_count) FROM attune.chunk", attune) == 2300)
            #expect(try await count("SELECT max(job_count)::bigint FROM attune.chunk", attune) == 100)
            let audited = """
                SELECT count(*) FROM attune.audit WHERE action = 'retry_many' AND ended_at IS NOT NULL AND tenant_id = 1
                    AND filter ->> 'error_class' = 'bad_data' AND counts = '{"as_new": 2300, "at_once": 0, "retried_before": 0}'
                """
            #expect(try await count(audited, attune) == 1)
            let text = try await attune.succeed("retry", "--error-class", "bad_data", "--since", "2h", "--yes")
            #expect(text.golden == "retried    1 as new jobs   at once 0   retried before 2300   TIME\n")
            let none = try await attune.succeed("retry", "--error-class", "unheard", "--since", "2h")
            #expect(
                none.output.isEmpty && none.errors.hasPrefix("No discarded or waiting job failed with unheard since "))
            #expect(try await attune.run("retry", "--error-class", "bad_data").status == 2)
            #expect(try await attune.run("retry").status == 2)
        }
    }

    @Test("jobs are found by error class, time, worker and kind, and the search says how far it looked")
    func jobs() async throws {
        try await withFailures(60) { attune in
            let found = try await attune.run(
                "jobs", "--error-class", "bad_data", "--since", "2h", "--tenant", "acme", "--limit", "10")
            #expect(found.status == 0 && found.output.split(separator: "\n").count == 11)
            let remark = found.errors.replacing(/\d\d:\d\d:\d\d/, with: "TIME")
            #expect(
                remark
                    == "Looked back to TIME through 10 rows and found 10. Older rows may match: --before \(53 * 1024)\n"
            )
            let rest = try await attune.succeed(
                "jobs", "--error-class", "bad_data", "--since", "2h", "--tenant", "acme", "--before", "\(53 * 1024)",
                "--json")
            #expect(try rest.objects.count == 50 && rest.errors.isEmpty)
            #expect(try await attune.succeed("jobs", "--worker", "nobody", "--json").output.isEmpty)
            #expect(try await attune.succeed("jobs", "--kind", "adapt", "--campaign", "1", "--json").output.isEmpty)
            #expect(
                try await attune.succeed("jobs", "--state", "discarded", "--tenant", "birch", "--json").objects.count
                    == 1)
            #expect(try await attune.run("jobs", "--since", "yesterday").status == 2)
        }
    }
}
