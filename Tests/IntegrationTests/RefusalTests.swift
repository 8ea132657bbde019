import Adapters
import Glibc
import Population
import Postgres
import PostgresTestSupport
import Recipe
import Registry
import Testing

extension EndToEnd {
    /// Jobs that cannot or need not be worked on end, or wait, for a reason that is said; their neighbours notice nothing.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(2))) struct RefusalTests {
        @Test(
            "a worker with another base than the chunk's puts it off at no cost, and goes on once the base is its own")
        func otherBase() async throws {
            try await Site.with(users: 40) { site in
                let other = String(repeating: "0b", count: 32)
                try await site.registry.registerBase(name: "other", digest: other, width: 8)
                try await site.registry.promote(base: "other", for: Site.tenant)
                try await site.activate(
                    Recipe.plain(
                        name: "other", baseDigest: other,
                        head: LinearHead(weights: [Float](repeating: 0, count: 8), bias: 0)))
                let jobs = try await site.enqueue()
                let worker = try site.worker("one")
                let scheduler = try site.scheduler()
                try await eventually("it says why", context: { try worker.output() }) {
                    try await site.count("attune.attempt_log WHERE error_class = 'base_not_held'") >= jobs
                }
                #expect(try await site.endedJobs() == 0)
                #expect(try await site.count("attune.attempt_log WHERE tries > 0") == 0, "no try is spent")
                #expect(try await site.storedKeys().isEmpty)

                try await site.registry.promote(base: "base", for: Site.tenant)
                try await site.everythingEnds()
                try await worker.end()
                try await scheduler.end()
                let ledger = try await Ledger(of: site)
                #expect(ledger.endings["completed", default: 0] > jobs / 2, "\(ledger.endings)")
            }
        }

        @Test("a user with one class only ends discarded, with the reason and what to do; the neighbours succeed")
        func oneClass() async throws {
            try await Site.with(users: 19) { site in
                let items = site.population.catalogue.prefix(6).map { ExampleSubject.item($0.id) }
                let lover = Recording(user: "lover", subjects: items, labels: [Float](repeating: 1, count: items.count))
                try await site.registry.record([lover], for: Site.tenant)
                try await site.enqueue((0..<19).map { "u-\($0)" } + ["lover"])
                #expect(try await site.count("attune.chunk") == 1, "they are neighbours in one chunk")
                let worker = try site.worker("one", "--until-idle")
                try await worker.succeeds()
                let row = try await site.ask(
                    "SELECT user_id, state, error_class, message FROM attune.jobs WHERE user_id = 'lover'"
                )
                .one().values(String.self, String.self, String.self, String.self)
                #expect(row.1 == "discarded" && row.2 == "one_class_examples", "\(row)")
                #expect(row.3.contains("all 6 examples have label 1") && row.3.contains("do: "), "\(row.3)")
                let ledger = try await Ledger(of: site)
                #expect(
                    ledger.endings["discarded"] == 1 && ledger.endings["completed", default: 0] > 9, "\(ledger.endings)"
                )
            }
        }

        @Test("a user erased while in flight gets nothing: no outcome but cancelled, no revision, no slot, no pointer")
        func erased() async throws {
            try await Site.with(users: 20, timing: Site.Timing(leaseSeconds: 60)) { site in
                try await site.enqueue()
                let worker = try site.worker("one", "--fault", "afterUploadBeforePublish=stop")
                try await eventually("it stops", context: { try worker.output() }) { try worker.isStopped() }
                let uid = try await site.registry.user("u-3", of: Site.tenant).uid
                try await site.ask("SELECT attune.erase_user($1, 'u-3')", [.text(Site.tenant)])
                worker.signal(SIGCONT)
                try await site.everythingEnds()
                try await worker.end()
                let (ending, why) = try await site.ask(
                    "SELECT v.state, v.error_class FROM attune.job j JOIN attune.jobs v USING (job_id) WHERE j.uid = $1",
                    [.int64(uid)]
                ).one().values(String.self, String.self)
                #expect(ending == "cancelled" && why == "user_erased")
                for table in ["revision", "object_slot", "pointer", "user_data"] {
                    #expect(try await site.count("attune.\(table) WHERE uid = $1", [.int64(uid)]) == 0, "\(table)")
                }
                let ledger = try await Ledger(of: site)
                #expect(
                    ledger.endings["cancelled"] == 1 && ledger.endings["completed", default: 0] > 10,
                    "\(ledger.endings)")
            }
        }

        @Test("of two waiting jobs of a user the newer runs and the older is merged; one without newer data is covered")
        func coalesced() async throws {
            try await Site.with(users: 10) { site in
                try await site.enqueue(["u-0", "u-1", "u-0"])
                let first = try site.worker("one", "--until-idle")
                try await first.succeeds()
                let merged = try await site.ask(
                    """
                    SELECT j.job_id, j.merged_into, n.state FROM attune.jobs j JOIN attune.jobs n ON n.job_id = j.merged_into
                    WHERE j.state = 'merged' AND j.user_id = 'u-0'
                    """
                ).one().values(Int64.self, Int64.self, String.self)
                #expect(merged.0 < merged.1 && ["completed", "kept"].contains(merged.2))

                try await site.enqueue(["u-0"])
                let second = try site.worker("two", "--until-idle")
                try await second.succeeds()
                let ledger = try await Ledger(of: site)
                #expect(ledger.endings["merged"] == 1 && ledger.endings["covered"] == 1, "\(ledger.endings)")
                #expect(ledger.endings.values.reduce(0, +) == 4)
            }
        }
    }
}
