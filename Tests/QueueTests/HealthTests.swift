import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Schema
import Testing

/// Each finding, provoked for real.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct HealthTests {
    @Test("a queue with a worker and nothing to do is well")
    func well() async throws {
        try await HealthWorld.with { health in
            _ = try await health.world.worker()
            let findings = try await health.examiner.judge(try await health.examiner.examine())
            // Other tests' transactions and the server's settings are not this database's.
            let others: Set = ["feed", "connections", "durability", "slots", "wal"]
            #expect(findings.filter { $0.status != .ok && !others.contains($0.name) } == [])
            let checks: Int64 = try await health.world.value("SELECT count(*) FROM attune.health_check")
            #expect(Set(findings.map(\.name)).count == Int(checks) - 1, "all but the pooler, which is no statement")
        }
    }

    @Test("no worker: bad, and what to start")
    func workers() async throws {
        try await HealthWorld.with { health in
            let none = try await health.look("workers")
            #expect(none.map(\.status) == [.bad] && none.map(\.helps) == ["attune worker"])
            _ = try await health.world.worker()
            let one = try await health.look("workers")
            #expect(one.map(\.status) == [.ok] && one.map(\.what) == ["1 workers live"])
        }
    }

    @Test("chunks of a worker whose lease has run out")
    func leases() async throws {
        try await HealthWorld.with { health in
            let worker = try await health.world.worker()
            _ = try await health.enqueue("u")
            _ = try await health.world.claimOne(worker)
            #expect(try await health.look("leases").map(\.status) == [.ok])
            try await health.world.expireLease(ofWorker: worker)
            let found = try await health.look("leases")
            #expect(found.map(\.status) == [.warn] && found.map(\.measured) == [1])
            _ = try await health.world.store.rescue(limit: 10)
            #expect(try await health.look("leases").map(\.status) == [.ok])
        }
    }

    @Test("a lane with work and no live owner, for how long")
    func lanes() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            #expect(try await health.look("lanes").map(\.status) == [.ok], "nothing waits")
            _ = try await health.enqueue("u")
            try await world.run("UPDATE attune.lane SET moved_at = clock_timestamp() - interval '40 s'")
            let found = try await health.look("lanes")
            #expect(found.map(\.status) == [.warn])
            #expect(found.first?.what.hasPrefix("1 lanes with work have no live owner, the first for 4") == true)
            let worker = try await world.worker()
            try await world.run("UPDATE attune.lane SET owner = $1", [.int64(worker)])
            #expect(try await health.look("lanes").map(\.status) == [.ok])
            _ = try await world.store.setState(.draining, ofWorker: worker)
            try await health.limit("lanes", 0)
            #expect(try await health.look("lanes").map(\.status) == [.warn], "who drains claims nothing")
        }
    }

    @Test("a tenant without an active recipe, by name")
    func recipes() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            try await world.addTenant("birch", isActive: false)
            try await world.record(2, of: "u", tenant: "birch")
            _ = try await world.store.enqueue(NewJob(tenant: "birch", user: "u"))
            #expect(try await health.look("recipes").map(\.status) == [.ok])
            _ = try await world.claimAll(try await world.worker())
            let found = try await health.look("recipes")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["birch"])
        }
    }

    @Test("chunks that go round because no worker has their base, by tenant, with what it said")
    func bases() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            _ = try await health.enqueue("u")
            let chunk = try await world.claimOne(try await world.worker())
            try await health.limit("bases", 0)
            #expect(try await health.look("bases").map(\.status) == [.ok])
            _ = try await world.store.passOn([chunk.fence], reason: "it holds another")
            let found = try await health.look("bases")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["acme"])
            #expect(found.first?.what.hasSuffix("it holds another") == true)
            #expect(try await health.look("recipes").map(\.status) == [.ok], "its tenant has a recipe")
            try await world.run("UPDATE attune.attempt_log SET at = at - interval '11 minutes'")
            #expect(try await health.look("bases").map(\.status) == [.ok])
        }
    }

    @Test("jobs given up, by tenant and class")
    func discarded() async throws {
        try await HealthWorld.with { health in
            let world = health.world
            _ = try await health.enqueue("u")
            let chunk = try await world.claimOne(try await world.worker())
            _ = try await world.store.publish(
                chunk.delivery { _ in .failed(errorClass: "one_class", message: "", retryable: false) })
            let found = try await health.look("discarded")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["acme one_class"])
            #expect(found.map(\.helps) == ["attune jobs --tenant acme --error-class one_class"])
            try await world.run("UPDATE attune.outcome SET finished_at = finished_at - interval '61 minutes'")
            #expect(try await health.look("discarded").map(\.status) == [.ok])
        }
    }

    @Test("a worker whose clock is off, by how much and which way; told with a heartbeat, once a minute")
    func clocks() async throws {
        try await HealthWorld.with { health in
            let (pool, worker) = (health.world.pool, try await health.world.worker("w-07"))
            func beat(_ store: PostgresQueueStore) async throws {
                _ = try await store.heartbeat(Heartbeat(workerID: worker, progress: 1, jobsInHand: 0))
            }
            try await beat(health.world.queue)
            #expect(try await health.look("clocks").map(\.status) == [.ok])
            let fast = PostgresQueueStore(pool, clock: { Date() + 7 })
            try await beat(fast)
            let found = try await health.look("clocks")
            #expect(found.map(\.status) == [.warn] && found.map(\.subject) == ["w-07"])
            #expect(found.first?.what.contains("s ahead of the database's") == true)
            // Within the minute it is not told again.
            try await health.world.run("UPDATE attune.worker_clock SET ahead_seconds = 0")
            try await beat(fast)
            #expect(try await health.look("clocks").map(\.status) == [.ok])
            try await beat(PostgresQueueStore(pool, clock: { Date() - 100 }))
            #expect(try await health.look("clocks").map(\.status) == [.bad])
        }
    }
}
