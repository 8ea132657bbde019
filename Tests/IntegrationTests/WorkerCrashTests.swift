import Glibc
import Postgres
import PostgresTestSupport
import Testing
import Worker

extension EndToEnd {
    /// A worker process that dies, hangs or is asked to end; others finish what it held.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(3))) struct WorkerCrashTests {
        @Test("a worker killed at any boundary loses nothing and doubles nothing", arguments: FaultPoint.allCases)
        func killed(at point: FaultPoint) async throws {
            try await Site.with(users: 120) { site in
                let jobs = try await site.enqueue()
                let victim = try site.worker("victim", "--fault", "\(point.rawValue)=kill")
                #expect(try await victim.ending() == .signal(SIGKILL))
                let endedBefore = try await site.endedJobs()
                #expect((endedBefore > 0) == (point == .afterPublish), "it died at the point and not elsewhere")
                #expect(try await site.openJobs() > 0, "there is something left for the others")
                let heir = try site.worker("heir")
                let scheduler = try site.scheduler()
                try await site.everythingEnds()
                try await heir.end()
                try await scheduler.end()
                let ledger = try await Ledger(of: site)
                #expect(ledger.endings.values.reduce(0, +) == jobs)
                #expect(ledger.endings.keys.allSatisfy { ["completed", "kept"].contains($0) }, "\(ledger.endings)")
                #expect(ledger.endings["completed", default: 0] > jobs / 2, "\(ledger.endings)")
                #expect(try await site.count("attune.outcome WHERE tries > 0") == 0, "a crash costs no try")
            }
        }

        @Test("a worker that hung past its lease changes nothing when it goes on, and what it stored is collected")
        func suspended() async throws {
            // One chunk: the worker stops at every delivery that it brings to that point.
            try await Site.with(users: 20) { site in
                try await site.enqueue()
                let sleeper = try site.worker("sleeper", "--fault", "afterUploadBeforePublish=stop")
                try await eventually("it stops", context: { try sleeper.output() }) { try sleeper.isStopped() }
                let orphans = try await site.storedKeys()
                #expect(orphans.count == 1, "it has stored its pack")
                let scheduler = try site.scheduler()
                let heir = try site.worker("heir")
                try await site.everythingEnds()
                try await scheduler.end()
                try await heir.end()

                let before = try await fingerprint(of: site)
                sleeper.signal(SIGCONT)
                try await eventually("it notices", context: { try sleeper.output() }) {
                    try sleeper.output().contains("lease lost")
                }
                #expect(try await fingerprint(of: site) == before)
                try await sleeper.end()
                _ = try await Ledger(of: site)

                let collector = try site.scheduler()
                try await eventually("the orphan goes", context: { try collector.output() }) {
                    try await !site.storedKeys().contains(orphans[0])
                }
                try await collector.end()
                let live = try await site.ask("SELECT key FROM attune.object WHERE state = 0 ORDER BY key").map {
                    try $0.decode(0, as: String.self)
                }
                #expect(try await site.storedKeys().sorted() == live, "what is published stays")
                _ = try await Ledger(of: site)
            }
        }

        /// All that a publish could change.
        private func fingerprint(of site: Site) async throws -> [String] {
            try await ["job", "chunk", "outcome", "attempt_log", "revision", "object_slot", "pointer"].asyncMap {
                table in
                try await site.ask(
                    "SELECT count(*) || ' ' || md5(string_agg(t::text, '' ORDER BY t::text)) FROM attune.\(table) t"
                )
                .one().decode(0, as: String?.self) ?? "\(table) is empty"
            }
        }

        @Test("SIGTERM drains: the worker ends with 0, leaves nothing leased, and others do the rest")
        func drained() async throws {
            try await Site.with(users: 300, timing: Site.Timing(leaseSeconds: 30, chunkJobs: 5)) { site in
                let jobs = try await site.enqueue()
                let leaver = try site.worker("leaver", "--jobs-per-claim", "5")
                try await eventually("it works", context: { try leaver.output() }) { try await site.endedJobs() > 0 }
                leaver.signal(SIGTERM)
                try await leaver.succeeds(within: 30)
                #expect(try await site.count("attune.chunk WHERE state = 1") == 0, "nothing is leased")
                #expect(try await site.openJobs() > 0, "there is something left for the others")
                #expect(try await site.count("attune.workers WHERE state = 'stopped'") == 1)
                #expect(try await site.count("attune.lane WHERE owner IS NOT NULL") == 0, "its lanes are free")
                let heir = try site.worker("heir")
                try await site.everythingEnds()
                try await heir.end()
                let ledger = try await Ledger(of: site)
                #expect(ledger.endings.values.reduce(0, +) == jobs)
                #expect(try await site.count("attune.attempt_log WHERE error_class LIKE 'lease%'") == 0, "no rescue")
            }
        }
    }
}

extension Sequence {
    /// Maps one element after another.
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
