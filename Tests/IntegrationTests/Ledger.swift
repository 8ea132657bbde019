import Adapters
import Artifacts
import ObjectStore
import Postgres
import Recipe
import Registry
import Testing

/// What must hold of every job, revision, pointer and object once everything has ended, whatever happened on the way.
struct Ledger {
    /// How many jobs ended each way.
    private(set) var endings: [String: Int] = [:]

    /// Reads every table and every object of a site and checks them against each other.
    init(of site: Site) async throws {
        try await checkJobs(site)
        try await checkRevisions(site)
        try await checkPointers(site)
        try await checkBytes(site)
    }

    /// Every job has one outcome, no chunk is left to work on, and every outcome is of a job.
    private mutating func checkJobs(_ site: Site) async throws {
        let (jobs, open) = (try await site.count("attune.job"), try await site.openJobs())
        #expect(open == 0, "\(open) of \(jobs) jobs have not ended")
        #expect(try await site.endedJobs() == jobs, "as many outcomes as jobs")
        #expect(try await site.count("attune.chunk WHERE state <> 4") == 0, "chunks are left")
        let rows = try await site.ask("SELECT attune.ending_name(ending), count(*) FROM attune.outcome GROUP BY 1")
        for row in rows { endings[try row.decode(0)] = try row.decode(1, as: Int.self) }
    }

    /// A job that completed made one revision, which says so, and no other job made any.
    private func checkRevisions(_ site: Site) async throws {
        let strays = try await site.count(
            """
            attune.revision r FULL JOIN (
                SELECT n.job_id, n.revision_id, j.uid FROM attune.outcome n JOIN attune.job j ON j.job_id = n.job_id
                WHERE n.ending = 1) o ON o.job_id = r.job_id
            WHERE r.revision_id IS DISTINCT FROM o.revision_id OR r.uid IS DISTINCT FROM o.uid
            """)
        #expect(strays == 0, "\(strays) revisions without their outcome or outcomes without their revision")
        let slots = try await site.count(
            """
            attune.revision r LEFT JOIN attune.object_slot s ON s.revision_id = r.revision_id
            LEFT JOIN attune.object o ON o.object_id = s.object_id
            WHERE s.uid IS DISTINCT FROM r.uid OR o.state IS DISTINCT FROM 0
            """)
        #expect(slots == 0, "\(slots) revisions without live bytes")
        let lines = try await site.count(
            """
            attune.revision r WHERE r.number > 1 AND NOT EXISTS (
                SELECT FROM attune.revision p WHERE p.revision_id = r.parent_id AND p.number = r.number - 1)
            """)
        #expect(lines == 0, "\(lines) revisions that do not follow the one before")
    }

    /// A user points to the newest revision, or to none where there is none.
    private func checkPointers(_ site: Site) async throws {
        let strays = try await site.count(
            """
            attune.pointer p FULL JOIN (
                SELECT DISTINCT ON (uid, base_id) * FROM attune.revision ORDER BY uid, base_id, number DESC
            ) r ON (r.uid, r.base_id) = (p.uid, p.base_id)
            WHERE p.uid IS NULL OR p.revision_id IS DISTINCT FROM r.revision_id OR p.number <> coalesce(r.number, 0)
            """)
        #expect(strays == 0, "\(strays) pointers that do not name the newest revision")
    }

    /// Every live object is stored with the bytes that were published, and every revision reads as an adapter of its
    /// base and recipe.
    private func checkBytes(_ site: Site) async throws {
        var packs: [String: [UInt8]] = [:]
        for row in try await site.ask("SELECT key, sha256, byte_count FROM attune.object WHERE state = 0") {
            let key: String = try row.decode(0)
            let bytes = try await site.store.get(ObjectKey(key))
            #expect(Digest.sha256(bytes) == Digest.hexadecimal(try row.decode(1, as: [UInt8].self)), "\(key)")
            #expect(bytes.count == (try row.decode(2, as: Int.self)), "\(key)")
            packs[key] = bytes
        }
        let slots = try await site.ask(
            """
            SELECT o.key, s."offset", s.length, s.sha256, b.digest, c.digest, f.bytes
            FROM attune.revision r JOIN attune.object_slot s ON s.revision_id = r.revision_id
            JOIN attune.object o ON o.object_id = s.object_id JOIN attune.base b ON b.base_id = r.base_id
            JOIN attune.recipe c ON c.recipe_id = r.recipe_id JOIN attune.recipe_file f ON f.recipe_id = c.recipe_id
            """)
        var recipes: [String: Recipe] = [:]
        for row in slots {
            let (key, offset, length, sha256, base, digest) = try row.values(
                String.self, Int32.self, Int32.self, [UInt8].self, String.self, String.self)
            let recipe = try recipes[digest] ?? Recipe(decoding: row.decode(6), at: digest)
            recipes[digest] = recipe
            let pack = try #require(packs[key], "no object \(key)")
            let frame = Array(pack[Int(offset)..<Int(offset + length)])
            #expect(Digest.sha256(frame) == Digest.hexadecimal(sha256), "\(key) at \(offset)")
            var coder = AdapterFrameCoder(
                provenance: AdapterProvenance(baseDigest: base, recipeDigest: digest), width: recipe.width,
                space: recipe.deltaSpace)
            _ = try coder.decode(frame, at: "\(key) at \(offset)")
        }
    }
}
