import Foundation
import Glibc
import PostgresTestSupport
import Recipe
import Testing

extension EndToEnd {
    /// Meta-training whose gradients are jobs of worker processes.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(3))) struct ClusterTrainingTests {
        /// The tolerance that N workers keep to one process on machines of one kind: none. These are the same machine.
        @Test("two workers, one of them killed on the way, make the recipe that one process makes, byte for byte")
        func survivesAWorker() async throws {
            try await Site.with(users: 1) { site in
                let people = site.folder.appending(path: "people.jsonl").path
                try await sample(people, of: site)
                let shared = ["meta-train", "--data", people, "--name", "r", "--quick"]
                _ = try await site.run(shared + ["--out", "\(site.folder.path)/alone"])
                let alone = try Recipe(decoding: bytes("alone", of: site), at: "alone")

                let victim = try site.worker("victim")
                let heir = try site.worker("heir")
                let scheduler = try site.scheduler()
                let trainer = try site.start(
                    shared + ["--tenant", Site.tenant, "--cluster", "--out", "\(site.folder.path)/together"])
                try await eventually("both work", context: { try trainer.output() + victim.output() }) {
                    try await site.count("(SELECT DISTINCT worker_id FROM attune.outcome WHERE ending = 1) AS w") == 2
                }
                victim.signal(SIGSTOP)
                try await eventually("it holds a shard", context: { try trainer.output() }) {
                    let held =
                        "attune.chunk c JOIN attune.worker w USING (worker_id) WHERE c.state = 1 AND w.name = 'victim'"
                    if try await site.count(held) > 0 { return true }
                    // Stopped between two shards: it goes on for a moment.
                    victim.signal(SIGCONT)
                    try await Task.sleep(for: .milliseconds(5))
                    victim.signal(SIGSTOP)
                    return false
                }
                victim.kill9()
                try await trainer.succeeds(within: 150)

                let together = try Recipe(decoding: bytes("together", of: site), at: "together")
                #expect(together.validation == alone.validation && together == alone)
                #expect(try bytes("together", of: site) == bytes("alone", of: site))
                #expect(try await site.openJobs() == 0)
                #expect(try await site.count("attune.outcome WHERE ending <> 1") == 0, "every shard was computed")
                #expect(try await site.count("attune.outcome WHERE tries > 0") == 0, "a crash costs no try")
                #expect(try await site.count("attune.attempt_log WHERE error_class = 'lease_expired'") > 0)
                #expect(try await site.count("attune.revision") == 0)
                #expect(try await site.count("attune.pointer") == 0)
                #expect(try await site.storedKeys() == [])
                #expect(try await site.count("attune.meta_run WHERE ended_at IS NULL") == 0)
                #expect(try await site.count("attune.recipe WHERE name = 'r'") == 1)
                let listed = try await site.run(
                    "jobs", "--tenant", Site.tenant, "--kind", "meta_gradient", "--limit", "3")
                #expect(listed.contains("completed"), "\(listed)")
                try await heir.end()
                try await scheduler.end()
            }
        }

        @Test("a trainer that is killed goes on from its checkpoint to the same recipe, on the cluster and alone")
        func resumes() async throws {
            try await Site.with(users: 1) { site in
                let people = site.folder.appending(path: "people.jsonl").path
                let checkpoint = site.folder.appending(path: "checkpoint").path
                try await sample(people, of: site)
                let shared = ["meta-train", "--data", people, "--name", "r", "--quick"]
                _ = try await site.run(shared + ["--out", "\(site.folder.path)/alone"])
                let worker = try site.worker("worker")
                let scheduler = try site.scheduler()
                let cluster = ["--tenant", Site.tenant, "--cluster"]
                let trainer = try site.start(shared + cluster + ["--checkpoint", checkpoint])
                try await eventually("it has a checkpoint", context: { try trainer.output() }) {
                    FileManager.default.fileExists(atPath: checkpoint)
                }
                trainer.kill9()
                let copy = checkpoint + ".copy"
                try FileManager.default.copyItem(atPath: checkpoint, toPath: copy)

                let other = try site.start(
                    shared + ["--seed", "2", "--out", "/dev/null", "--checkpoint", copy, "--resume"])
                #expect(try await other.ending() != .exit(0))
                let refusal = try other.output()
                #expect(refusal.contains("seed was 1, now it is 2"), "\(refusal)")
                let careless = try site.start(shared + ["--out", "/dev/null", "--checkpoint", copy])
                #expect(try await careless.ending() != .exit(0))
                #expect(try careless.output().contains("--resume"))

                let again = ["--checkpoint", checkpoint, "--resume", "--out", "\(site.folder.path)/together"]
                let resumed = try site.start(shared + cluster + again)
                try await resumed.succeeds(within: 150)
                _ = try await site.run(
                    shared + ["--checkpoint", copy, "--resume", "--out", "\(site.folder.path)/resumed"])
                let alone = try bytes("alone", of: site)
                #expect(try bytes("together", of: site) == alone)
                #expect(try bytes("resumed", of: site) == alone)
                #expect(!FileManager.default.fileExists(atPath: checkpoint))
                try await site.everythingEnds()
                #expect(try await site.storedKeys() == [], "the first run's objects too")
                #expect(try await site.count("attune.meta_run") == 1, "it is the same run")
                try await worker.end()
                try await scheduler.end()
            }
        }

        /// More users than a dense preconditioner needs.
        private func sample(_ path: String, of site: Site) async throws {
            _ = try await site.run(
                "sample", "--users", "140", "--items", "60", "--examples", "48", "--noise", "0.1", "--write", path)
        }

        private func bytes(_ name: String, of site: Site) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: site.folder.appending(path: name)))
        }
    }
}
