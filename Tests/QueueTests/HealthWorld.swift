import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Schema
import Testing

/// A queue whose health is looked at.
struct HealthWorld {
    let world: PostgresWorld
    let examiner: HealthExaminer

    static func with(_ body: (HealthWorld) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.addTenant("acme")
            try await body(HealthWorld(world: world, examiner: HealthExaminer(world.pool)))
        }
    }

    /// What one check finds now.
    func look(_ name: String) async throws -> [HealthFinding] {
        let check = try #require(SQL.Checks.all.first { $0.name == "checks/\(name).sql" })
        let examiner = HealthExaminer(world.pool, checks: [check])
        return try await examiner.judge(try await examiner.examine())
    }

    /// Lets a check warn from `value` on, and call it bad from `bad` on.
    func limit(_ name: String, _ value: Double, bad: Double = .infinity) async throws {
        try await world.run(
            "UPDATE attune.health_check SET warn_at = $2, bad_at = $3 WHERE name = $1",
            [.text(name), .double(value), .double(bad)])
    }

    func enqueue(_ user: String) async throws -> Int64 {
        try await world.record(2, of: user, tenant: "acme")
        return try await world.store.enqueue(NewJob(tenant: "acme", user: user))
    }

    /// Statements of another session, which `body` may then look at.
    func withSession(_ sql: String, _ body: (Connection) async throws -> Void) async throws {
        try await world.database.withConnection { other in
            try await other.executeScript(Statement(name: sql, text: sql))
            try await body(other)
        }
    }
}
