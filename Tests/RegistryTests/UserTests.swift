import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct UserTests {
    @Test("a user without a revision has examples and the recipe's start")
    func freshUser() async throws {
        try await withRegistry { registry, _ in
            try await registry.record(
                [Recording(user: "u", subjects: [.text("t"), .text("s")], labels: [1, 0])], for: "acme")
            let status = try await registry.user("u", of: "acme")
            #expect(status.examples == 2 && status.newerExamples == 2 && status.revision == nil && status.base == nil)
            #expect(try await registry.revisions(uid: status.uid).isEmpty)
            let problem = await refusal { _ = try await registry.user("v", of: "acme") }
            #expect(problem?.errorClass == "unknown_user" && problem?.location == "acme/v")
        }
    }

    @Test("a published revision is the user's, and the earlier ones stay listed")
    func publishedUser() async throws {
        try await withRegistry { registry, database in
            try await registry.registerBase(name: "minilm", digest: baseDigest, width: 384)
            try await registry.promote(base: "minilm", for: "acme")
            let recipe = try await registry.registerRecipe([1, 2], name: "r", baseDigest: baseDigest, tenant: "acme")
            try await registry.record(
                [Recording(user: "u", subjects: [.text("t"), .text("s")], labels: [1, 0])], for: "acme")
            let uid = try await registry.user("u", of: "acme").uid
            // Rows as a publish leaves them; publishing itself is the queue's to test.
            try await database.withConnection { connection in
                try await connection.executeScript(
                    Statement(
                        name: "published",
                        text: """
                            INSERT INTO attune.object (tenant_id, key, sha256, byte_count)
                                SELECT tenant_id, 'acme/pack', sha256('x'), 1000 FROM attune.tenant;
                            INSERT INTO attune.revision (uid, parent_id, job_id, data_through, tenant_id, base_id, recipe_id, number)
                                SELECT uid, CASE n WHEN 2 THEN 1 END, 1024 + n, n, tenant_id, 1, 1, n
                                FROM attune."user", generate_series(1, 2) AS n ORDER BY n;
                            INSERT INTO attune.object_slot (revision_id, object_id, uid, tenant_id, "offset", length, sha256)
                                SELECT revision_id, 1, uid, tenant_id, number * 100, 70, sha256('y') FROM attune.revision;
                            INSERT INTO attune.pointer (uid, base_id, tenant_id, revision_id, number, recipe_id, judged_through)
                                SELECT uid, 1, tenant_id, 2, 2, 1, 2 FROM attune."user";
                            """))
            }
            let status = try await registry.user("u", of: "acme")
            #expect(status.revision == 2 && status.newerExamples == 0 && status.storedBytes == 70)
            #expect(status.base == "minilm" && status.recipeDigest == recipe && status.dataThrough == 2)
            let revisions = try await registry.revisions(uid: uid)
            #expect(revisions.map(\.number) == [2, 1] && revisions.map(\.parent) == [1, nil])
            #expect(revisions.map(\.isCurrent) == [true, false] && revisions.map(\.jobID) == [1026, 1025])

            // Under another base the old revision does not count, and is listed all the same.
            try await registry.registerBase(name: "next", digest: String(repeating: "cd", count: 32), width: 384)
            try await registry.promote(base: "next", for: "acme")
            #expect(try await registry.user("u", of: "acme").revision == nil)
            #expect(try await registry.revisions(uid: uid) == revisions)
        }
    }
}
