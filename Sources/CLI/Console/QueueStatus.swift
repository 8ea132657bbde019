import Foundation
import Postgres
import Schema

/// The queue at one moment, as `attune status --json` prints it.
struct QueueStatus: Encodable, Equatable {
    /// What waits of one tenant's flow.
    struct FlowLine: Encodable, Equatable {
        var tenant: String
        var flow: String
        var waiting: Int64
        var running: Int64
        var deferred: Int64
        /// Seconds that the oldest waiting job has waited.
        var oldestSeconds: Double?
        /// Seconds until it is empty at the tenant's rate of the last minute; nil when nothing was done.
        var emptyInSeconds: Double?
        /// Jobs of the tenant that ended a second, over the last minute.
        var ratePerSecond: Double
    }

    /// What a person wants to know first.
    enum Verdict: String, Encodable { case idle, waiting, draining, stuck }

    var at = Date.distantPast
    var verdict = Verdict.idle
    var waiting: Int64 = 0
    var running: Int64 = 0
    /// Jobs that wait for their time: delayed, or after a failure.
    var deferred: Int64 = 0
    /// Whether the counts reach to the end of every lane; else they are from below.
    var isExact = true
    var oldestSeconds: Double?
    /// Jobs that ended a second, over the last minute.
    var endedPerSecond = 0.0
    /// Seconds until what waits is done, at that rate.
    var doneInSeconds: Double?
    /// How the jobs of the last hour ended.
    var endedLastHour: [String: Int64] = [:]
    /// Discarded jobs of the last hour by error class.
    var discardedLastHour: [String: Int64] = [:]
    /// Live workers, and those there are with lost and wedged ones.
    var workersLive: Int64 = 0
    var workers: Int64 = 0
    var flows: [FlowLine] = []

    static func read(from database: ConnectionPool) async throws -> QueueStatus {
        var status = QueueStatus()
        var endedByTenant: [String: Int64] = [:]
        for row in try await database.run(SQL.Queries.recentOutcomes) {
            let state: String = try row.decode("state")
            let hour: Int64 = try row.decode("last_hour")
            status.endedLastHour[state, default: 0] += hour
            if state == "discarded" {
                status.discardedLastHour[try row.decode("error_class", as: String?.self) ?? "unknown", default: 0] +=
                    hour
            }
            endedByTenant[try row.decode("tenant"), default: 0] += try row.decode("last_minute", as: Int64.self)
        }
        for row in try await database.run(SQL.Queries.workerCounts) {
            let count: Int64 = try row.decode("workers")
            status.workers += count
            if ["active", "draining"].contains(try row.decode("state", as: String.self)) {
                status.workersLive += count
            }
        }
        status.at = try await database.run(SQL.Queries.ping).one().decode(0)
        for row in try await database.run(SQL.Queries.backlog) {
            let tenant: String = try row.decode("tenant")
            let oldest: Date? = try row.decode("oldest")
            let rate = Double(endedByTenant[tenant] ?? 0) / 60
            let waiting: Int64 = try row.decode("waiting")
            status.flows.append(
                FlowLine(
                    tenant: tenant, flow: try row.decode("flow"), waiting: waiting, running: try row.decode("running"),
                    deferred: try row.decode("deferred"),
                    oldestSeconds: oldest.map { max(0, status.at.timeIntervalSince($0)) },
                    emptyInSeconds: rate > 0 && waiting > 0 ? Double(waiting) / rate : nil, ratePerSecond: rate))
            if try !row.decode("exact", as: Bool.self) { status.isExact = false }
        }
        status.sum(endedLastMinute: endedByTenant.values.reduce(0, +))
        return status
    }

    private mutating func sum(endedLastMinute: Int64) {
        waiting = flows.reduce(0) { $0 + $1.waiting }
        running = flows.reduce(0) { $0 + $1.running }
        deferred = flows.reduce(0) { $0 + $1.deferred }
        oldestSeconds = flows.compactMap(\.oldestSeconds).max()
        endedPerSecond = Double(endedLastMinute) / 60
        if endedPerSecond > 0, waiting > 0 { doneInSeconds = Double(waiting) / endedPerSecond }
        verdict =
            if waiting + running == 0 {
                .idle
            } else if workersLive == 0 || (endedPerSecond == 0 && (oldestSeconds ?? 0) > 120) {
                .stuck
            } else {
                endedPerSecond > 0 ? .draining : .waiting
            }
    }
}
