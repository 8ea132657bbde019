import Embedded
import Foundation
import Postgres
import PostgresTestSupport
import Schema
import Testing

extension EndToEnd {
    /// A database or a store that dies under working workers and comes back.
    @Suite(.timeLimit(.minutes(3))) struct ServerOutageTests {
        @Test("PostgreSQL killed and restarted under working workers: every job still ends once", .needsS3)
        func database() async throws {
            try await withFolder { folder in
                let server = Embedded.PostgresServer(folder: folder)
                try server.start()
                do {
                    let connection = try await Connection.open(server.conninfo)
                    _ = try await Migrator().migrate(connection)
                    await connection.close()
                    let timing = Site.Timing(leaseSeconds: 3, chunkJobs: 5)
                    let s3 = try #require(TestSettings.s3)
                    try await Site.with(conninfo: server.conninfo, s3: s3, users: 600, timing: timing) { site in
                        try await outage(of: site, jobsPerClaim: "5") {
                            try server.kill()
                            try await restart(server)
                        }
                    }
                } catch {
                    try server.stop(immediate: true)
                    throw error
                }
                try server.stop(immediate: true)
            }
        }

        @Test("the S3 server killed and restarted under working workers: every job still ends once", .needsPostgres)
        func store() async throws {
            try await withFolder { folder in
                let (accessKey, secretKey) = try credentials()
                let server = S3Server(folder: folder, accessKey: accessKey, secretKey: secretKey)
                try server.start()
                do {
                    let endpoint = try server.endpoint()
                    let timing = Site.Timing(leaseSeconds: 3, chunkJobs: 5)
                    try await TestDatabase.with { database in
                        try await Site.with(conninfo: database.conninfo, s3: endpoint, users: 600, timing: timing) {
                            site in
                            try await outage(of: site, jobsPerClaim: "5") {
                                try server.killGateway()
                                try await Task.sleep(for: .seconds(1))
                                try server.start()
                            }
                            #expect(
                                try await site.count("attune.outcome WHERE tries > 0") == 0, "an outage costs no try")
                        }
                    }
                } catch {
                    try server.stop()
                    throw error
                }
                try server.stop()
            }
        }

        /// Lets two workers and a scheduler work, makes the outage when some of the jobs have ended, and waits for the rest.
        private func outage(of site: Site, jobsPerClaim: String, _ outage: () async throws -> Void) async throws {
            let jobs = try await site.enqueue()
            let workers = try ["one", "two"].map { try site.worker($0, "--jobs-per-claim", jobsPerClaim) }
            let scheduler = try site.scheduler()
            try await eventually("work begins", context: { try workers[0].output() }) {
                try await site.endedJobs() > 0
            }
            try await outage()
            #expect(try await site.openJobs() > 0, "it came while work was going on")
            try await site.everythingEnds(within: 90)
            for worker in workers { try await worker.end() }
            try await scheduler.end()
            let ledger = try await Ledger(of: site)
            #expect(ledger.endings.values.reduce(0, +) == jobs)
            #expect(ledger.endings.keys.allSatisfy { ["completed", "kept"].contains($0) }, "\(ledger.endings)")
        }

        /// Starts the server again; its dead postmaster's children may hold the shared memory a moment longer.
        private func restart(_ server: Embedded.PostgresServer) async throws {
            let end = ContinuousClock.now + .seconds(20)
            while true {
                do { return try server.start() } catch {
                    guard ContinuousClock.now < end else { throw error }
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
        }

        private func credentials() throws -> (accessKey: String, secretKey: String) {
            let environment = ProcessInfo.processInfo.environment
            return (
                try #require(environment["AWS_ACCESS_KEY_ID"], "AWS_ACCESS_KEY_ID is not set"),
                try #require(environment["AWS_SECRET_ACCESS_KEY"], "AWS_SECRET_ACCESS_KEY is not set")
            )
        }

        /// A folder with a path short enough for Unix sockets; the server's own account must reach it.
        private func withFolder(_ body: (String) async throws -> Void) async throws {
            let folder = "/tmp/attune-outage-\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
            do { try await body(folder) } catch {
                try FileManager.default.removeItem(atPath: folder)
                throw error
            }
            try FileManager.default.removeItem(atPath: folder)
        }
    }
}
