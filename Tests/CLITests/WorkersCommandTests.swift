import Foundation
import Postgres
import PostgresTestSupport
import Testing

@Suite(.needsBinary, .timeLimit(.minutes(2))) struct WorkersCommandTests {
    @Test("workers are listed, paused, resumed and drained by name or id, and each is written down")
    func verbs() async throws {
        try await CommandLineTool.with { attune in
            try await attune.database.withConnection { connection in
                func ask(_ sql: String) async throws -> Rows {
                    try await connection.execute(Statement(name: sql, text: sql))
                }
                #expect(try await attune.succeed("workers").errors == "no worker runs: attune worker\n")
                for name in ["w-1", "w-2", "twin", "twin"] {
                    _ = try await ask("SELECT attune.register_worker('\(name)', '0.9')")
                }
                _ = try await ask("SELECT attune.adopt_lanes(w.worker_id) FROM attune.worker w WHERE name = 'w-1'")
                let listed = try await attune.succeed("workers", "--json").objects
                #expect(listed.compactMap { $0["worker"] as? String } == ["w-1", "w-2", "twin", "twin"])
                #expect(listed.first?["lanes"] as? Int == 4 && listed.first?["state"] as? String == "active")
                let paused = try await attune.succeed("workers", "pause", "w-1")
                #expect(
                    paused.output
                        == "paused     w-1  4 lanes with 0 waiting jobs go to others; it finishes the 0 jobs it holds\n"
                )
                let table = try await attune.succeed("workers").output
                #expect(table.contains("w-1     paused") && table.contains("w-2     active"))
                try await attune.succeed("workers", "resume", "w-1")
                try await attune.succeed("workers", "drain", "w-2")
                let late = try await attune.run("workers", "resume", "w-2")
                #expect(late.status == 5 && late.errors.contains("a drain is not taken back"))
                #expect(try await attune.run("workers", "pause", "nobody").status == 4)
                let twins = try await attune.run("workers", "pause", "twin")
                #expect(twins.status == 2 && twins.errors.contains("give one of the ids 3, 4"))
                try await attune.succeed("workers", "pause", "4")
                let audit = try await ask(
                    "SELECT filter ->> 'state' FROM attune.audit WHERE action = 'set_worker' ORDER BY 1")
                #expect(
                    try audit.map { try $0.decode(0, as: String.self) } == ["active", "draining", "paused", "paused"])
            }
        }
    }

    @Test("lanes are listed with what waits in them, and the workers wanted with the arithmetic")
    func lanes() async throws {
        try await CommandLineTool.with { attune in
            try await attune.database.withConnection { connection in
                for sql in [
                    "SELECT attune.register_worker('w-1', '0.9')", "SELECT attune.adopt_lanes(1)",
                    "SELECT attune.sample_lanes(1, ARRAY[65536], ARRAY[0::bigint], ARRAY[0::bigint])",
                ] { try await connection.execute(Statement(name: sql, text: sql)) }
            }
            let lanes = try await attune.succeed("lanes", "--json").objects
            #expect(lanes.count == 16 && lanes.allSatisfy { $0["worker"] as? String == "w-1" })
            #expect(lanes.first?["waiting"] as? Int == 0 && lanes.last?["waiting"] == nil)
            #expect(try await attune.succeed("lanes", "--worker", "nobody").errors == "no lane is owned by nobody\n")
            #expect(try await attune.succeed("lanes").output.hasPrefix(" LANE  WORKER  WAITING"))
            let wanted = try await attune.succeed("workers", "wanted")
            #expect(wanted.output.hasPrefix("wanted     1   of 0 live\nbecause    0.0 s of work waits"))
            #expect(wanted.errors == "no scheduler has decided within a minute: attune scheduler\n")
        }
    }
}
