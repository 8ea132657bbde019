import Embedded
import Foundation
import Glibc
import Postgres
import PostgresTestSupport
import Queue
import Schema
import Testing

extension EndToEnd {
    /// Findings about a whole server, on one that a test may spoil.
    @Suite(.timeLimit(.minutes(2))) struct HealthServerTests {
        /// Runs `body` over a throwaway server with these settings and the schema.
        private func withServer(
            _ settings: String, _ body: (Embedded.PostgresServer, ConnectionPool) async throws -> Void
        ) async throws {
            let folder = "/tmp/attune-health-\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            let server = Embedded.PostgresServer(folder: folder)
            func end() throws {
                try server.stop(immediate: true)
                try FileManager.default.removeItem(atPath: folder)
            }
            do {
                try server.start(isDurable: false)
                try server.stop()
                let file = "\(folder)/attune.conf"
                try (try String(contentsOfFile: file, encoding: .utf8) + settings + "\n")
                    .write(toFile: file, atomically: false, encoding: .utf8)
                try server.start(isDurable: false)
                let connection = try await Connection.open(server.conninfo)
                _ = try await Migrator().migrate(connection)
                await connection.close()
                try await ConnectionPool.with(server.conninfo, limit: 2) { try await body(server, $0) }
            } catch {
                try end()
                throw error
            }
            try end()
        }

        private func look(_ pool: ConnectionPool) async throws -> [String: HealthFinding] {
            let examiner = HealthExaminer(pool)
            let found = try await examiner.judge(try await examiner.examine())
            return Dictionary(found.map { ($0.name, $0) }) { worst, _ in worst }
        }

        @Test("a forgotten prepared transaction, slots that pin xmin and hold back WAL, and autovacuum switched off")
        func leftBehind() async throws {
            try await withServer("max_prepared_transactions = 2\nwal_level = logical\nautovacuum = off") { _, pool in
                func run(_ sql: String) async throws {
                    try await pool.withConnection {
                        try await $0.executeScript(Statement(name: sql, text: sql))
                    }
                }
                let before = try await look(pool)
                #expect(["prepared", "slots", "wal", "feed"].allSatisfy { before[$0]?.status == .ok })
                #expect(before["autovacuum"]?.status == .bad && before["autovacuum"]?.subject == "server")
                try await run("ALTER SYSTEM SET autovacuum = on")
                try await run("SELECT pg_reload_conf()")
                // The reload reaches each session in its own time.
                try await eventually("autovacuum is on") { try await look(pool)["autovacuum"]?.status == .ok }

                try await run(
                    "UPDATE attune.health_check SET warn_at = -1 WHERE name IN ('prepared', 'slots', 'wal', 'feed')")
                // A slot waits for every transaction that is open when it is made.
                try await run("SELECT pg_create_logical_replication_slot('gone', 'pgoutput')")
                try await run("BEGIN; INSERT INTO attune.id_mark (next_chunk) VALUES (1); PREPARE TRANSACTION 'left'")
                let found = try await look(pool)
                #expect(found["prepared"]?.status == .warn && found["prepared"]?.subject == "left")
                #expect(found["prepared"]?.helps.hasPrefix("ROLLBACK PREPARED 'left';") == true)
                #expect(found["feed"]?.what.contains("transaction 'left' is prepared") == true)
                #expect(found["slots"]?.status == .warn && found["slots"]?.subject == "gone")
                #expect(found["slots"]?.what.hasSuffix("and nobody uses it") == true)
                #expect(found["wal"]?.status == .warn && found["wal"]?.subject == "gone")
                try await run("ROLLBACK PREPARED 'left'")
                try await run("SELECT pg_drop_replication_slot('gone')")
                let after = try await look(pool)
                #expect(["prepared", "slots", "wal"].allSatisfy { after[$0]?.status == .ok })
            }
        }

        private static let pooler = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        }

        @Test(
            "a scheduler behind a pooler in transaction mode is told so, one behind a pooler in session mode is not",
            .enabled(if: pooler != nil, "apt-get install pgbouncer"),
            arguments: [("transaction", PoolerProbe.Finding.sharesSessions), ("session", .keepsSessions)])
        func pooled(mode: String, expected: PoolerProbe.Finding) async throws {
            try await withServer("") { server, pool in
                let port = try #require(server.conninfo.firstMatch(of: /port=(\d+)/)?.1)
                let listening = try LoopbackPorts.free(consecutive: 1)
                let file = "\(server.folder)/pgbouncer.ini"
                try """
                [databases]
                attune = host=127.0.0.1 port=\(port) user=attune
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = \(listening)
                unix_socket_dir =
                auth_type = any
                pool_mode = \(mode)
                logfile = \(server.folder)/pgbouncer.log

                """.write(toFile: file, atomically: true, encoding: .utf8)
                let process = Process()
                process.executableURL = URL(filePath: try #require(Self.pooler))
                // It refuses to run as root; the account is the one that PostgreSQL's package makes.
                process.arguments = ["-q"] + (getuid() == 0 ? ["-u", "postgres"] : []) + [file]
                process.standardInput = FileHandle.nullDevice
                try process.run()
                defer {
                    // It holds nothing; a signal that asks may be blocked in what a test's thread starts.
                    kill(process.processIdentifier, SIGKILL)
                    process.waitUntilExit()
                }
                var patient = ConnectionOptions()
                patient.reconnect = .connecting
                let conninfo = "host=127.0.0.1 port=\(listening) dbname=attune user=attune"
                let found = try await PoolerProbe(conninfo, options: patient).run()
                #expect(found == expected)
                let examiner = HealthExaminer(pool)
                var readings = HealthReadings()
                readings.add("pooler", HealthReadings.Reading(found))
                let judged = try await examiner.judge(readings)
                #expect(judged.map(\.status) == [expected == .sharesSessions ? .bad : .ok])
            }
        }
    }
}
