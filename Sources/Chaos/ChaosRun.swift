import Embedded
import Foundation
import HTTPTransfer
import Loopback
import ObjectStore
import Postgres
import Problem
import Queue
import Registry
import Schema

/// A deployment of its own, worked by real processes and broken on purpose for minutes; then the checker's judgement.
public struct ChaosRun: Sendable {
    /// How much, and with which guards.
    public struct Configuration: Sendable {
        /// Gives plan and data.
        public var seed: UInt64 = 1
        /// Jobs that producers enqueue; campaigns come on top.
        public var jobs = 100_000
        /// Users they are of.
        public var users = 20_000
        /// Size of the plan.
        public var size = ChaosPlan.Size()
        /// Guards that are off.
        public var sabotage: Sabotage?
        /// Seconds that everything may take to end once nothing breaks any more.
        public var patienceSeconds = 180.0
        /// An empty folder, reachable for PostgreSQL's own account.
        public var folder: String

        /// The long run's, in a folder.
        public init(folder: String) { self.folder = folder }
    }

    let configuration: Configuration
    static let keys = (access: "ATCHAOSKEY0000000000", secret: "chaosruns/only/on/loopback/0000000000000")

    /// Prepares nothing.
    public init(_ configuration: Configuration) { self.configuration = configuration }

    /// Starts everything, breaks it as planned, waits until every job has ended, and judges; all processes are gone then.
    ///
    /// - Parameter progress: called now and then with what is going on.
    /// - Throws: what starting the servers throws. What faults cause is in the report.
    public func run(progress: @escaping @Sendable (String) -> Void) async throws -> ChaosReport {
        progress("starting PostgreSQL and the S3 server")
        let servers = try await ChaosServers(
            folder: configuration.folder, accessKey: Self.keys.access, secretKey: Self.keys.secret)
        let result: Swift.Result<ChaosReport, any Error>
        do { result = .success(try await run(servers, progress)) } catch { result = .failure(error) }
        try await servers.stop()
        return try result.get()
    }

    private func run(
        _ servers: ChaosServers, _ progress: @escaping @Sendable (String) -> Void
    ) async throws -> ChaosReport {
        let pool = ConnectionPool(servers.postgres.conninfo, limit: 4)
        let store = try S3ObjectStore(
            S3Configuration(bucket: ChaosServers.bucket, region: "us-east-1", endpoint: try servers.store.endpoint()),
            credentials: .fixed(
                StoreCredentials(accessKeyID: Self.keys.access, secretAccessKey: Self.keys.secret)),
            exchange: try TransferPool())
        try await store.createBucket()
        progress("recording \(configuration.users) users")
        let site = try await ChaosSite(
            users: configuration.users, seed: configuration.seed, folder: configuration.folder, pool: pool)
        try await pool.execute(
            Statement(SQL.Chaos.tighten), [.int32(Int32(configuration.size.leaseSeconds)), .int32(20)])
        if let sabotage = configuration.sabotage { try await sabotagePublish(sabotage, pool) }
        let stage = try await Stage(configuration, site, servers, pool)
        let drama: Drama
        do { drama = try await stage.play(progress) } catch {
            stage.crew.end()
            throw error
        }
        progress("reading what is left")
        var history = try await HistoryReader(database: pool, store: store).read()
        history.told = stage.operators.told
        history.told.accepted = stage.producers.accepted
        history.probes = drama.probes
        history.window = drama.window
        let violations = Checker.violations(in: history)
        await pool.close()
        return report(stage, drama, history, violations, try servers.jobsWithoutLease())
    }

    /// Replaces publish in this database.
    private func sabotagePublish(_ sabotage: Sabotage, _ pool: ConnectionPool) async throws {
        let definition: String = try await pool.execute(Statement(SQL.Chaos.publishDefinition)).one().decode(0)
        let edited = try sabotage.edit(definition)
        try await pool.withConnection { connection in
            try await connection.executeScript(Statement(SQL.Chaos.jobsWithoutLease))
            try await connection.executeScript(Statement(name: "chaos/\(sabotage.rawValue)", text: edited))
        }
    }

    private func report(
        _ stage: Stage, _ drama: Drama, _ history: History, _ violations: [Violation], _ late: Int
    ) -> ChaosReport {
        var endings: [String: Int] = [:]
        for outcome in history.outcomes { endings["\(outcome.ending)", default: 0] += 1 }
        let harmed = violations.filter { [.doubleEffect, .stalePointer].contains($0.kind.harm) }
        return ChaosReport(
            plan: stage.plan, jobs: history.jobs.count, endings: endings, revisions: history.revisions.count,
            faults: Dictionary(uniqueKeysWithValues: drama.faults.map { ($0.key.rawValue, $0.value) }),
            skipped: Dictionary(uniqueKeysWithValues: stage.injector.impossible.map { ($0.key.rawValue, $0.value) }),
            operations: Dictionary(
                uniqueKeysWithValues: stage.operators.done.map { ($0.key.rawValue, $0.value) }),
            refusals: stage.operators.refused, repeats: stage.producers.repeats, starts: stage.crew.starts,
            unexpectedEndings: stage.crew.unexpectedEndings + drama.late, probes: drama.probes,
            jobsWithoutLease: configuration.sabotage == nil ? nil : late,
            jobsHarmed: Set(harmed.map(\.subject)).count, violations: violations, seconds: drama.seconds)
    }
}
