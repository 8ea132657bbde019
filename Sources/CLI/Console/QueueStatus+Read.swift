import Foundation
import Postgres
import Schema

extension QueueStatus {
    /// Reads it: seven statements, none of which reads more when more waits or has ended.
    static func read(from database: ConnectionPool) async throws -> QueueStatus {
        var status = QueueStatus()
        status.at = try await database.run(SQL.Queries.ping).one().decode(0)
        let rates = try await status.readOutcomes(database)
        for row in try await database.run(SQL.Queries.recentErrors) {
            status.discardedLastHour[try row.decode("error_class")] = try row.decode("discarded")
        }
        for row in try await database.run(SQL.Queries.workerCounts) {
            let count: Int64 = try row.decode("workers")
            status.workers += count
            switch try row.decode("state", as: String.self) {
            case "active", "draining": status.workersLive += count
            case "paused": status.workersPaused += count
            default: break
            }
        }
        status.findings = try await database.run(SQL.Queries.findingCount).one().decode(0)
        try await status.readBacklog(database, rates)
        status.sum()
        return status
    }

    /// Sums by state, and each flow's rate under `tenant/flow`.
    private mutating func readOutcomes(_ database: ConnectionPool) async throws -> [String: Double] {
        var rates: [String: Double] = [:]
        for row in try await database.run(SQL.Queries.recentOutcomes) {
            let state: String = try row.decode("state")
            let key = "\(try row.decode("tenant", as: String.self))/\(try row.decode("flow", as: String.self))"
            let perSecond: Double = try row.decode("per_second")
            switch state {
            case "retried": retriesPerSecond += perSecond
            default:
                rates[key, default: 0] += perSecond
                endedPerSecond += perSecond
                if ["completed", "kept"].contains(state) { publishedPerSecond += perSecond }
                endedLastHour[state, default: 0] += try row.decode("last_hour", as: Int64.self)
            }
        }
        return rates
    }

    private mutating func readBacklog(_ database: ConnectionPool, _ rates: [String: Double]) async throws {
        for row in try await database.run(SQL.Queries.backlog) {
            let (tenant, flow) = (try row.decode("tenant", as: String.self), try row.decode("flow", as: String.self))
            var line = FlowLine(
                tenant: tenant, flow: flow, waiting: try row.decode("waiting"), running: try row.decode("running"),
                deferred: try row.decode("deferred"))
            line.parked = try row.decode("parked")
            line.isExact = try row.decode("exact")
            line.oldestSeconds = try row.decode("oldest", as: Date?.self).map { max(0, at.timeIntervalSince($0)) }
            line.ratePerSecond = rates["\(tenant)/\(flow)"] ?? 0
            line.growthPerSecond = try row.decode("growth_per_second")
            if !line.isExact, let taken = try row.decode("as_of", as: Date?.self) { asOf = min(asOf ?? taken, taken) }
            flows.append(line)
        }
    }
}
