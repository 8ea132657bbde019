import Population
import Postgres
import PostgresTestSupport
import Registry
import Testing

extension EndToEnd {
    /// Texts that a worker has not met take it long; what it has met does not wait for them.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(2))) struct ColdTextsTests {
        @Test("a job over known texts that comes after one over a thousand new texts ends before it")
        func overtakes() async throws {
            try await Site.with(users: 40) { site in
                let worker = try site.worker("one")
                let scheduler = try site.scheduler()
                try await site.enqueue()
                try await site.everythingEnds()

                // A text is about forty words: the thousand takes seconds, the known ones nothing.
                let words = (0..<40).map { "word\($0)" }.joined(separator: " ")
                try await site.registry.record(
                    (0..<10).map { user in
                        Recording(
                            user: "cold-\(user)", subjects: (0..<100).map { .text("\(user) \($0) \(words)") },
                            labels: (0..<100).map { Float($0 % 2) })
                    }, for: Site.tenant)
                try await site.enqueue((0..<10).map { "cold-\($0)" })
                try await eventually("the new texts are being worked on") {
                    try await site.count("attune.chunk WHERE state = 1") > 0
                }
                let known = site.population.user(1)
                try await site.registry.record(
                    [
                        Recording(
                            user: known.user, subjects: known.examples.compactMap { $0.item.map { .item($0) } },
                            labels: known.examples.map(\.label))
                    ], for: Site.tenant)
                try await site.enqueue([known.user])
                try await site.everythingEnds()

                let order: [String] = try await site.ask(
                    """
                    SELECT u.user_id FROM attune.outcome o JOIN attune.job j USING (job_id) JOIN attune."user" u ON u.uid = j.uid
                    WHERE u.user_id LIKE 'cold-%' AND o.ending IN (1, 2)
                        OR o.job_id = (SELECT max(n.job_id) FROM attune.job n WHERE n.uid = u.uid) AND u.user_id = $1
                    ORDER BY o.finished_at
                    """, [.text(known.user)]
                ).map { try $0.decode(0) }
                #expect(order.count == 11 && order.first == known.user, "\(order)")
                try await worker.end()
                try await scheduler.end()
            }
        }
    }
}
