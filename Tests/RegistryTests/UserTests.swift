import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct UserTests {
    @Test("a user without a revision has examples, no adapter, and the recipe's start")
    func freshUser() async throws {
        try await withRegistry { registry, _ in
            try await registry.record(
                [Recording(user: "u", subjects: [.text("t"), .text("s")], labels: [1, 0])], for: "acme")
            let status = try await registry.user("u", of: "acme")
            #expect(status.examples == 2 && status.newerExamples == 2 && status.revision == nil && status.base == nil)
            #expect(try await registry.revisions(uid: status.uid).isEmpty)
            var current = try await registry.currentAdapter("u", of: "acme")
            #expect(current.baseDigest == nil && current.baseEpoch == 0 && current.adapter == nil)
            try await registry.registerBase(name: "minilm", digest: baseDigest, width: 384)
            try await registry.promote(base: "minilm", for: "acme")
            current = try await registry.currentAdapter("u", of: "acme")
            #expect(current.baseDigest == baseDigest && current.baseEpoch == 1 && current.adapter == nil)
            for problem in [
                await refusal { _ = try await registry.user("v", of: "acme") },
                await refusal { _ = try await registry.currentAdapter("v", of: "acme") },
            ] {
                #expect(problem?.errorClass == "unknown_user" && problem?.location == "acme/v")
            }
        }
    }

    @Test("a published revision is found from the user and from its id, with where its bytes lie")
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

            let adapter = try #require(try await registry.currentAdapter("u", of: "acme").adapter)
            #expect(adapter.objectKey == "acme/pack" && adapter.range == 200..<270 && adapter.sha256.count == 32)
            #expect(adapter.baseDigest == baseDigest && adapter.recipeDigest == recipe && adapter.uid == uid)
            let byID = try await registry.adapters(revisions: revisions.map(\.revisionID) + [77])
            #expect(byID.count == 2 && byID[adapter.revisionID] == adapter)

            // Under another base the old adapter is never used.
            try await registry.registerBase(name: "next", digest: String(repeating: "cd", count: 32), width: 384)
            try await registry.promote(base: "next", for: "acme")
            #expect(try await registry.currentAdapter("u", of: "acme").adapter == nil)
        }
    }
}
