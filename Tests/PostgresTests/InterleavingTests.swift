import Postgres
import PostgresTestSupport
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct InterleavingTests {
    static let steps = Interleaving([
        .init("a", "a begins") { try await $0.execute(sql("BEGIN")) },
        .init("a", "a adds") { try await $0.execute(sql("UPDATE t SET n = n + 1")) },
        .init("a", "a commits") { try await $0.execute(sql("COMMIT")) },
        .init("b", "b doubles") { try await $0.execute(sql("UPDATE t SET n = n * 2")) },
    ])

    @Test("all orders that keep each session's own are tried")
    func orders() {
        let orders = Self.steps.orders
        #expect(orders.count == 4)
        #expect(Set(orders).count == 4)
        #expect(orders.allSatisfy { $0.filter { $0.hasPrefix("a") } == ["a begins", "a adds", "a commits"] })
    }

    @Test(
        "a step that waits for a lock is known to have waited, and goes on when the lock is free",
        arguments: steps.orders)
    func blocking(order: [String]) async throws {
        try await TestDatabase.with(.empty) { database in
            try await database.withConnection { try await $0.executeScript(sql("CREATE TABLE t AS SELECT 1 AS n")) }
            let outcomes = try await Self.steps.run(order, in: database)
            #expect(outcomes.allSatisfy { $0.error == nil })
            let (add, double) = (order.firstIndex(of: "a adds") ?? 0, order.firstIndex(of: "b doubles") ?? 0)
            #expect(outcomes.first { $0.step == "b doubles" }?.wasBlocked == (double == add + 1 && double == 2))
            let n = try await database.withConnection {
                try await $0.execute(sql("SELECT n FROM t")).one().decode(0, as: Int.self)
            }
            #expect(n == (add < double ? 4 : 3))
        }
    }
}
