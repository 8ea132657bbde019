import Foundation
import Postgres
import Queue

/// Enqueues many jobs, a batch a transaction; jobs that the database refuses are left out and named.
struct BulkEnqueue {
    /// What was enqueued.
    struct Counts {
        var accepted = 0
        var duplicates = 0
        var chunks = 0
    }

    static let batchJobs = 50_000

    let store: PostgresQueueStore
    let tenant: String
    let flow: Flow
    let runAt: Date?
    private(set) var counts = Counts()

    init(_ store: PostgresQueueStore, tenant: String, flow: Flow, runAt: Date?) {
        self.store = store
        self.tenant = tenant
        self.flow = flow
        self.runAt = runAt
    }

    /// Enqueues one batch; returns what was refused, positions from 1.
    mutating func enqueue(_ entries: [Bulk.Entry]) async throws -> [BulkReport.Rejection] {
        guard !entries.isEmpty else { return [] }
        var bulk = Bulk(tenant: tenant, entries: entries)
        bulk.flow = flow
        bulk.runAt = runAt
        bulk.keepsGoing = true
        let report = try await store.enqueue(bulk)
        counts.accepted += report.accepted
        counts.duplicates += report.duplicates
        counts.chunks += report.chunks
        return report.rejected
    }
}
