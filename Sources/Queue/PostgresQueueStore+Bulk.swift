import Postgres
import Schema

extension PostgresQueueStore {
    /// Enqueues the entries in one statement, or, where that would be too large a one, copies them to the server first.
    ///
    /// A lost reply is not repeated: entries without a dedup key could become jobs twice.
    public func enqueue(_ bulk: Bulk) async throws -> BulkReport {
        let bytes = bulk.entries.reduce(0) { $0 + $1.user.utf8.count + ($1.payload?.count ?? 0) }
        guard bulk.entries.count <= entriesInStatement, bytes <= Self.bytesInStatement else {
            return try await copy(bulk)
        }
        let entries = bulk.entries
        let (hasKeys, hasTraces) = (entries.contains { $0.dedupKey != nil }, entries.contains { $0.trace != nil })
        let row = try await pool.execute(
            Statement(SQL.Queries.enqueueMany),
            [
                .text(bulk.tenant), .array(entries.map(\.user)), .array(entries.map(\.payload)),
                .array(hasKeys ? entries.map(\.dedupKey) : nil), .array(hasTraces ? entries.map(\.trace) : nil),
                .text(bulk.flow.rawValue), .text(bulk.kind), .timestamp(bulk.runAt), .float(bulk.costMilliseconds),
                .bool(bulk.keepsGoing),
            ]
        ).one()
        var report = try Self.report(row)
        let classes = try row.decode(7, as: [String].self)
        report.rejected = zip(try row.decode(6, as: [Int64].self), classes).map {
            BulkReport.Rejection(line: Int($0), errorClass: $1)
        }
        return report
    }

    private static let bytesInStatement = 16 << 20

    private func copy(_ bulk: Bulk) async throws -> BulkReport {
        try await pool.withTransaction { connection in
            try await connection.execute(Statement(SQL.Queries.bulkBegin))
            try await connection.copyIn(Statement(SQL.Copy.bulkJobs)) { writer in
                for entry in bulk.entries {
                    try await writer.append([
                        .text(entry.user), .bytes(entry.payload), .text(entry.dedupKey), .text(entry.trace),
                    ])
                }
            }
            let row = try await connection.execute(
                Statement(SQL.Queries.bulkCommit),
                [
                    .text(bulk.tenant), .text(bulk.flow.rawValue), .text(bulk.kind), .timestamp(bulk.runAt),
                    .float(bulk.costMilliseconds), .bool(bulk.keepsGoing),
                ]
            ).one()
            var report = try Self.report(row)
            if try row.decode(2, as: Int.self) > 0 {
                report.rejected = try await connection.execute(Statement(SQL.Queries.bulkRejected)).map {
                    BulkReport.Rejection(line: try $0.decode(0), errorClass: try $0.decode(1))
                }
            }
            return report
        }
    }

    private static func report(_ row: Row) throws -> BulkReport {
        var report = BulkReport()
        (report.accepted, report.duplicates) = try (row.decode(0), row.decode(1))
        report.chunks = try row.decode(3)
        if let first = try row.decode(4, as: Int64?.self), let last = try row.decode(5, as: Int64?.self) {
            report.jobIDs = first...last
        }
        return report
    }
}
