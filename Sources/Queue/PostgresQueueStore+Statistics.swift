import Postgres
import Schema

extension PostgresQueueStore {
    /// See ``QueueStore/record(_:)``. One try: what could not be sent goes with the next heartbeat.
    public func record(_ report: StatisticsReport) async throws {
        let lines = report.statistics.lines.sorted {
            ($0.key.tenantID, $0.key.flowID, $0.key.kind, $0.key.ending.rawValue)
                < ($1.key.tenantID, $1.key.flowID, $1.key.kind, $1.key.ending.rawValue)
        }
        let stages = lines.flatMap(\.value.stages)
        try await pool.execute(
            Statement(SQL.Queries.addStatistics),
            [
                .int64(report.workerID), .int64(report.beat), .array(lines.map(\.key.tenantID)),
                .array(lines.map(\.key.flowID)), .array(lines.map(\.key.kind)),
                .array(lines.map(\.key.ending.rawValue)), .array(lines.map(\.value.jobs)),
                .array(lines.map(\.value.examples)), .array(lines.map(\.value.storedBytes)),
                .array(stages.map(\.milliseconds)), .array(stages.flatMap(\.buckets)),
            ])
    }
}
