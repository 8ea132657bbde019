import Foundation
import Postgres
import Problem
import Schema

/// Enqueues many jobs, a batch a transaction; jobs that the database refuses are left out and named.
struct BulkEnqueue {
    /// What was enqueued.
    struct Counts: Encodable {
        var accepted: Int64 = 0
        var duplicates: Int64 = 0
        var chunks: Int64 = 0
    }

    static let batchJobs = 50_000

    let database: ConnectionPool
    let tenant: String
    let flow: String
    let runAt: Date?
    private(set) var counts = Counts()

    init(database: ConnectionPool, tenant: String, flow: String, runAt: Date?) {
        self.database = database
        self.tenant = tenant
        self.flow = flow
        self.runAt = runAt
    }

    /// Enqueues one batch; returns the positions (from 0) of what was refused, and the error classes.
    mutating func enqueue(_ jobs: [RequestedJob]) async throws -> [(position: Int, errorClass: String)] {
        guard !jobs.isEmpty else { return [] }
        let (row, rejected) = try await database.withTransaction { transaction in
            try await transaction.execute(Statement(SQL.Queries.bulkBegin))
            try await transaction.copyIn(Statement(SQL.Copy.bulkJobs)) { writer in
                for job in jobs {
                    try await writer.append([
                        .text(job.user), .bytes(job.payload), .text(job.dedupKey), .text(job.trace),
                    ])
                }
            }
            let row = try await transaction.execute(
                Statement(SQL.Queries.bulkCommit),
                [.text(tenant), .text(flow), .text("adapt"), .timestamp(runAt), .float(nil), .bool(true)]
            ).one()
            let rejected = try await transaction.execute(Statement(SQL.Queries.bulkRejected))
            return (row, rejected)
        }
        counts.accepted += try row.decode("accepted", as: Int64.self)
        counts.duplicates += try row.decode("duplicates", as: Int64.self)
        counts.chunks += try row.decode("chunks", as: Int64.self)
        return try rejected.map { (Int(try $0.decode(0, as: Int64.self)) - 1, try $0.decode(1)) }
    }
}
