import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Schema
import Testing

/// What the leader keeps of what it found, and what everybody else reads.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct HealthRecordTests {
    private func reading(_ name: String, _ subject: String = "", _ measured: Double?) -> HealthReadings.Reading {
        HealthReadings.Reading(name: name, subject: subject, measured: measured, what: "it is \(subject)", helps: "do")
    }

    private func inHealth(_ body: (PostgresWorld, HealthExaminer, Int64) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await body(world, HealthExaminer(world.pool), try await world.value("SELECT attune.lead('test')"))
        }
    }

    @Test("a finding keeps its beginning while it lasts, and begins anew when it gets worse or comes back")
    func since() async throws {
        try await inHealth { world, examiner, epoch in
            func record(_ readings: [HealthReadings.Reading]) async throws -> [String: HealthFinding] {
                _ = try await examiner.record(
                    HealthReadings(checked: ["xmin", "bloat"], readings: readings), epoch: epoch)
                let found = try await examiner.recorded().filter { $0.name != "scheduler" }
                return Dictionary(uniqueKeysWithValues: found.map { ("\($0.name) \($0.subject)", $0) })
            }
            let first = try await record([reading("xmin", "pid 1", 400), reading("xmin", "pid 2", 1)])
            #expect(first.keys.sorted() == ["bloat ", "xmin pid 1"], "what is within the limits is no row of its own")
            let began = try #require(first["xmin pid 1"]?.since)
            let second = try await record([reading("xmin", "pid 1", 500)])
            #expect(second["xmin pid 1"]?.since == began && second["xmin pid 1"]?.measured == 500)
            let worse = try await record([reading("xmin", "pid 1", 5000), reading("bloat", "chunk", nil)])
            let later = try #require(worse["xmin pid 1"]?.since)
            #expect(worse["xmin pid 1"]?.status == .bad && later > began)
            #expect(worse["bloat chunk"]?.status == .warn, "what cannot be measured is a finding")
            let over = try await record([])
            #expect(over.keys.sorted() == ["bloat ", "xmin "] && over.values.allSatisfy { $0.status == .ok })
            let history = try await world.run(
                "SELECT status FROM attune.finding WHERE name = 'xmin' AND ended_at IS NOT NULL ORDER BY since")
            #expect(try history.map { try $0.decode(0, as: String.self) } == ["warn", "bad"])
            // A check that was not made this time keeps what it found last.
            _ = try await examiner.record(HealthReadings(checked: ["idle"]), epoch: epoch)
            #expect(try await examiner.recorded().contains { $0.name == "xmin" })
            try await world.run("UPDATE attune.finding SET ended_at = ended_at - interval '31 days'")
            _ = try await record([])
            #expect(
                try await world.value("SELECT count(*) FROM attune.finding WHERE ended_at IS NOT NULL") == Int64(0))
        }
    }

    @Test("the view says whether anybody still looks; a deposed leader records nothing")
    func leader() async throws {
        try await inHealth { world, examiner, epoch in
            func scheduler() async throws -> HealthFinding? {
                try await examiner.recorded().first { $0.name == "scheduler" }
            }
            #expect(try await scheduler()?.status == .ok)
            #expect(try await scheduler()?.what == "test leads")
            try await world.run("UPDATE attune.leader SET seen_at = seen_at - interval '5 minutes'")
            #expect(try await scheduler()?.status == .warn)
            #expect(try await scheduler()?.what.hasPrefix("no scheduler has led for 5 min") == true)
            try await world.run("UPDATE attune.leader SET seen_at = NULL")
            #expect(try await scheduler()?.what.hasPrefix("no scheduler has led yet") == true)
            _ = try await world.run("SELECT attune.lead('another')")
            let refused = await errorClass { _ = try await examiner.record(HealthReadings(), epoch: epoch) }
            #expect(refused == "deposed")
        }
    }

    @Test("a check that takes too long, waits for a lock or fails is a finding; the others go on")
    func slow() async throws {
        try await inHealth { world, _, _ in
            func check(_ name: String, _ text: String) -> SQLFile { SQLFile(name: "checks/\(name).sql", text: text) }
            let row = "''::text AS subject, 0::double precision AS measured, 'x' AS what, '' AS if_left, '' AS helps"
            var examiner = HealthExaminer(
                world.pool,
                checks: [
                    check("xmin", "SELECT \(row) FROM pg_sleep(20)"), check("bloat", "SELECT \(row), 1 / 0"),
                    check("lanes", "SELECT \(row) FROM attune.lane"), check("idle", "SELECT \(row)"),
                ])
            examiner.checkMilliseconds = 300
            try await world.database.withConnection { other in
                let lock = "BEGIN; LOCK TABLE attune.lane IN ACCESS EXCLUSIVE MODE"
                try await other.executeScript(Statement(name: lock, text: lock))
                let findings = try await examiner.judge(try await examiner.examine())
                let found = Dictionary(uniqueKeysWithValues: findings.map { ($0.name, $0) })
                #expect(found.mapValues(\.status) == ["xmin": .warn, "bloat": .warn, "lanes": .warn, "idle": .ok])
                #expect(found["xmin"]?.what == "the check xmin did not finish within 300 ms")
                #expect(found["bloat"]?.what == "the check bloat failed: division by zero")
                #expect(found.values.allSatisfy { $0.name == "idle" || $0.measured == nil })
            }
        }
    }

    @Test("every check has its limits, every limit its check, and each looks at no parameter")
    func complete() async throws {
        try await inHealth { world, _, _ in
            let names = try await world.run("SELECT name FROM attune.health_check").map {
                try $0.decode(0, as: String.self)
            }
            #expect(
                Set(SQL.Checks.all.map { $0.name }) == Set(names.filter { $0 != "pooler" }.map { "checks/\($0).sql" }))
            try await world.database.withConnection { connection in
                for check in SQL.Checks.all {
                    let (_, types) = try await StatementHeader.compare(check, on: connection)
                    #expect(types == [], "\(check.name)")
                }
            }
        }
    }
}

/// What stands between a process and the server.
@Suite(.needsPostgres, .timeLimit(.minutes(1))) struct PoolerProbeTests {
    @Test("a direct connection is one")
    func direct() async throws {
        try await TestDatabase.with(.empty) { database in
            let found = try await PoolerProbe(database.conninfo).run()
            #expect(found == .direct)
        }
    }

    @Test("what a scheduler says about it: only a pooler in transaction mode is a finding")
    func readings() {
        #expect(HealthReadings.Reading(.direct) == nil && HealthReadings.Reading(.keepsSessions) == nil)
        #expect(HealthReadings.Reading(.sharesSessions)?.measured == 1)
    }
}
