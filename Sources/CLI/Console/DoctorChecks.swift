import Foundation
import ObjectStore
import Postgres
import Problem
import Queue
import Registry
import Schema

/// The database, its schema, and what it says of workers, scheduler and queue.
struct DatabaseChecks {
    private static let clockDifferenceSeconds = 1.0

    let database: ConnectionPool
    let conninfo: String

    /// Each check by itself; a server that does not answer ends them.
    func run() async -> [Finding] {
        var findings: [Finding] = []
        do {
            findings += try await identity()
            findings.append(try await schema())
            findings.append(try await pooler())
            findings += try await health()
        } catch let error as any ProblemConvertible {
            findings.append(Finding(findings.isEmpty ? "database" : "schema", error.problem))
        } catch {
            findings.append(Finding("database", .bad, "\(error)", helps: "look at the server's log."))
        }
        return findings
    }

    /// The tenants that each active base serves, by digest.
    func servedBases() async throws -> [String: [String]] {
        try await Registry(database).tenants().reduce(into: [:]) { served, tenant in
            if let base = tenant.activeBase { served[base.digest, default: []].append(tenant.name) }
        }
    }

    private func identity() async throws -> [Finding] {
        // The first statement also connects, which is no part of the round trip.
        try await database.run(SQL.Queries.ping)
        let started = Date()
        let row = try await database.run(SQL.Queries.serverIdentity).one()
        let ended = Date()
        let (version, now, role) = try row.values(String.self, Date.self, String.self)
        let milliseconds = Figures.fixed(ended.timeIntervalSince(started) * 1000, 1)
        // Half-way between question and answer this machine's clock should have shown the database's time.
        let difference = now.timeIntervalSince(started.addingTimeInterval(ended.timeIntervalSince(started) / 2))
        return [
            Finding("database", .ok, "PostgreSQL \(version) as \(role), round trip \(milliseconds) ms", helps: ""),
            Finding(
                "clock", abs(difference) > Self.clockDifferenceSeconds ? .warn : .ok,
                "this machine's clock is \(Figures.fixed(abs(difference), 2)) s \(difference < 0 ? "ahead of" : "behind") "
                    + "the database's",
                helps: "leases go by the database's clock, so nothing is lost; run NTP, or times here mislead."),
        ]
    }

    private func schema() async throws -> Finding {
        try await database.withConnection { connection in
            try await Migrator().requireUsable(connection)
            return Finding("schema", .ok, "version \(Migrator().version) or newer", helps: "")
        }
    }

    /// The leader's checks, made here and now, so that what was mended a moment ago is not told again.
    private func health() async throws -> [Finding] {
        let examiner = HealthExaminer(database)
        let recorded = try await examiner.recorded()
        var findings = try await examiner.judge(try await examiner.examine())
        // Whether a scheduler leads, and how its own connection fares, only the rows can say.
        findings += recorded.filter { $0.name == "scheduler" }
        if recorded.contains(where: { $0.name == "scheduler" && $0.status == .ok }) {
            findings += recorded.filter { $0.name == "pooler" }
        }
        return findings.map(Finding.init)
    }

    /// Whether this very connection goes through a pooler; that is how services may connect, so it is never bad.
    private func pooler() async throws -> Finding {
        switch try await PoolerProbe(conninfo).run() {
        case .direct: Finding("connection", .ok, "direct to the server", helps: "")
        case .keepsSessions: Finding("connection", .ok, "through a pooler that keeps sessions", helps: "")
        case .sharesSessions:
            Finding(
                "connection", .ok,
                "through a pooler in transaction mode: right for workers and services, not for attune scheduler",
                helps: "")
        }
    }
}

/// Puts, reads back and deletes one object.
struct StoreCheck {
    let store: any ObjectStore

    func run() async throws -> Finding {
        let key = try ObjectKey("doctor/\(UUID().uuidString.lowercased())")
        let bytes = Array("attune doctor\n".utf8)
        let started = Date()
        try await store.put(bytes, at: key, sha256: Digest.sha256(bytes))
        let back = try await store.get(key)
        try await store.delete(key)
        guard back == bytes else {
            return Finding(
                "store", .bad, "\(key): \(back.count) bytes came back where \(bytes.count) were put, or other ones",
                helps: "do not use this store; report it to whoever runs it.")
        }
        let milliseconds = Figures.fixed(Date().timeIntervalSince(started) * 1000, 1)
        return Finding("store", .ok, "put, get and delete in \(milliseconds) ms", helps: "")
    }
}
