import Postgres
import PostgresTestSupport
import Queue
import Testing

/// What a person does by hand leaves one row that says who, what, for which rows and what came of it.
@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct AuditTests {
    @Test("each action leaves its row, whether a function or a hand changed it, and no row names an erased user")
    func rows() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await world.run("DELETE FROM attune.audit")
            let worker = try await world.worker()
            try await world.record(4, of: "secret-name", tenant: "acme")
            for round in 0..<2 {
                try await world.record(1, of: "secret-name", tenant: "acme")
                _ = try await world.store.enqueue(NewJob(tenant: "acme", user: "secret-name"))
                _ = try await world.store.publish(try await world.claimOne(worker).completed)
                #expect(try await world.revision(of: "secret-name", tenant: "acme") == Int32(round + 1))
            }
            #expect(
                try await world.value("SELECT count(*) FROM attune.audit") == Int64(0), "jobs' lives are no actions")

            let job = try await world.store.enqueue(NewJob(tenant: "acme", user: "secret-name"))
            _ = try await world.store.cancel(jobID: job)
            _ = try await world.store.cancel(jobID: job)
            _ = try await world.store.retry(jobID: job)
            try await world.run("SELECT attune.rollback('acme', 'secret-name', 1, 2)")
            try await world.run("SELECT attune.set_flow('acme', 'bulk', 7)")
            try await world.run("UPDATE attune.setting SET history_days = 31")
            try await world.run("UPDATE attune.setting SET history_days = 31")
            try await world.run("SELECT attune.promote('acme', 'second')")
            try await world.run("SELECT attune.pause('acme')")
            try await world.run("SELECT attune.erase_user('acme', 'secret-name')")
            let rows = try await world.run(
                "SELECT action, tenant_id, filter::text, who FROM attune.audit ORDER BY audit_id")
            let found = try rows.map { try $0.decode(0, as: String.self) }
            #expect(
                found == ["cancel", "retry", "rollback", "set_flow", "set", "promote", "limit", "erase_user"])
            let filters = try rows.map { try $0.decode(2, as: String.self) }
            #expect(filters[4] == #"{"history_days": 31}"#)
            #expect(filters[2].contains(#""from": 2"#) && filters[3].contains(#""weight": 7"#))
            #expect(!filters.contains { $0.contains("secret-name") })
            #expect(try rows.allSatisfy { try $0.decode(3, as: String.self) != "" })
            #expect(try rows.map { try $0.decode(1, as: Int32?.self) } == [1, 1, 1, 1, nil, 1, 1, 1])
        }
    }

    @Test("two that redrive at once make one new job a failed job")
    func concurrentRedrive() async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            _ = try await world.enqueueBulk(120)
            for chunk in try await world.claimAll(try await world.worker()) {
                _ = try await world.store.publish(
                    chunk.delivery { _ in .failed(errorClass: "bad", message: "", retryable: false) })
            }
            let step = "SELECT as_new FROM attune.retry_many('bad', now() - interval '1 h', max_rows => 100)"
            async let one: Int64 = world.value(step)
            async let two: Int64 = world.value(step)
            let (first, second) = try await (one, two)
            #expect(first + second == 100, "\(first) and \(second)")
            let copies: Int64 = try await world.value(
                "SELECT count(*) FROM (SELECT retry_of FROM attune.job WHERE retry_of IS NOT NULL GROUP BY 1 HAVING count(*) > 1) AS d"
            )
            #expect(copies == 0)
            #expect(
                try await world.value(
                    "SELECT count(*) FROM attune.audit WHERE action = 'retry_many' AND cursor IS NOT NULL") == Int64(2))
        }
    }
}
