import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Testing

/// `attune.jobs_walk` finds what a scan of everything would, page by page, and looks at no more than it may.
@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct JobsWalkTests {
    /// Two tenants with jobs in every state, by two workers and three causes.
    private func inSeveralStates(_ body: (PostgresWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            for tenant in ["acme", "birch"] {
                try await world.addTenant(tenant)
                let first = try await world.worker("w-1")
                _ = try await world.enqueueBulk(24, tenant: tenant)
                for chunk in try await world.claimAll(first) { try await publish(chunk, world) }
                // In hand of a second worker: those that ran again at once, and newer jobs.
                for index in 0..<6 { try await world.record(1, of: "u\(index)", tenant: tenant) }
                let again = try await world.store.enqueue(
                    Bulk(tenant: tenant, entries: (0..<6).map { .init(user: "u\($0)") }))
                _ = try await world.claimAll(try await world.worker("w-2"))
                _ = try await world.store.cancel(jobID: try #require(again.jobIDs?.lowerBound))
                _ = try await world.store.enqueue(Bulk(tenant: tenant, entries: (0..<5).map { .init(user: "u\($0)") }))
                var later = NewJob(tenant: tenant, user: "u1")
                later.runAt = .distantFuture
                _ = try await world.store.enqueue(later)
            }
            try await body(world)
        }
    }

    private func publish(_ chunk: ClaimedChunk, _ world: PostgresWorld) async throws {
        let delivery = chunk.delivery { job in
            switch job.jobID % 6 {
            case 0: .failed(errorClass: "bad_data", message: "no", retryable: false)
            case 1: .failed(errorClass: "slow", message: "try", retryable: true)
            case 2: .snoozed(seconds: 3600, reason: "later")
            case 3: .kept(dataThrough: job.dataSeq, .test)
            default: .completed(.test(through: job.dataSeq), .test)
            }
        }
        _ = try await world.store.publish(delivery)
    }

    private struct Question {
        var condition: String
        var arguments: String
    }

    private func questions(_ random: inout SeededGenerator) -> Question {
        var (conditions, arguments) = ([String](), [String]())
        func ask(_ chance: Int, _ condition: String, _ argument: String) {
            guard Int.random(in: 0..<chance, using: &random) == 0 else { return }
            conditions.append(condition)
            arguments.append(argument)
        }
        let all = JobState.allCases.map(\.rawValue).shuffled(using: &random).prefix(
            Int.random(in: 1...4, using: &random))
        let states = "'{\(all.joined(separator: ","))}'"
        let errorClass = ["bad_data", "slow", "snoozed", "unheard"].randomElement(using: &random) ?? ""
        ask(2, "state = ANY (\(states))", "states => \(states)")
        ask(3, "tenant = 'acme'", "tenant => 'acme'")
        ask(3, "error_class = '\(errorClass)'", "error_class => '\(errorClass)'")
        ask(4, "user_id = 'u1'", "user_id => 'u1'")
        ask(4, "worker = 'w-2'", "worker => 'w-2'")
        ask(6, "kind = 'adapt'", "kind => 'adapt'")
        ask(6, "campaign_id = 1", "campaign => 1")
        ask(6, "coalesce(finished_at, enqueued_at) >= now() - interval '1 h'", "since => now() - interval '1 h'")
        return Question(
            condition: conditions.isEmpty ? "true" : conditions.joined(separator: " AND "),
            arguments: arguments.map { $0 + ", " }.joined())
    }

    @Test("its pages together are what a scan finds, in order, whatever is asked and however small its steps")
    func pages() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await inSeveralStates { world in
            var random = SeededGenerator(seed)
            for _ in 0..<60 {
                let question = questions(&random)
                let budget = Int.random(in: 3...60, using: &random)
                let rows = Int.random(in: 1...20, using: &random)
                let expected = try await world.run(
                    "SELECT job_id FROM attune.jobs WHERE \(question.condition) ORDER BY job_id DESC"
                ).map { try $0.decode(0, as: Int64.self) }
                var (found, before): ([Int64], Int64?) = ([], nil)
                repeat {
                    let page = try await world.run(
                        "SELECT job_id, looked, reached FROM attune.jobs_walk(\(question.arguments)before => $1, budget => \(budget), max_rows => \(rows))",
                        [.int64(before)])
                    let first = try #require(page.first)
                    #expect(try first.decode(1, as: Int64.self) <= budget, "seed \(seed): \(question)")
                    before = try first.decode(2)
                    found += try page.compactMap { try $0.decode(0, as: Int64?.self) }
                } while before != nil
                #expect(found == expected, "seed \(seed): \(question), budget \(budget), rows \(rows)")
            }
        }
    }

    @Test("it says of each job what the view says, and where it stands")
    func agrees() async throws {
        try await inSeveralStates { world in
            let different: Int64 = try await world.value(
                """
                SELECT count(*) FROM attune.jobs v FULL JOIN attune.jobs_walk(max_rows => 1000) w ON w.job_id = v.job_id
                WHERE (v.tenant, v.user_id, v.kind, v.flow, v.state, v.attempt, v.tries, v.worker, v.error_class, v.message, v.revision)
                    IS DISTINCT FROM (w.job_tenant, w.job_user, w.job_kind, w.flow, w.state, w.attempt, w.tries, w.job_worker,
                        w.job_error_class, w.message, w.revision)
                """)
            #expect(different == 0)
            let states: [String] = try await world.value(
                "SELECT array_agg(DISTINCT state ORDER BY state) FROM attune.jobs_walk(max_rows => 1000)")
            #expect(
                states == [
                    "available", "cancelled", "completed", "discarded", "kept", "retryable", "running", "scheduled",
                ])
        }
    }
}
