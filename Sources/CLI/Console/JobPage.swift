import Foundation
import Postgres
import Schema

/// Newest jobs that match, and how far the search went: its cost does not grow with what waits or has ended.
struct JobPage {
    /// Which jobs.
    struct Filter {
        var tenant: String?
        var states: [String] = []
        var kind: String?
        var user: String?
        var errorClass: String?
        var worker: String?
        var campaign: Int32?
        /// Ended, or while open enqueued, at this time or later.
        var since: Date?
        /// Only older jobs than this one.
        var before: Int64?
    }

    /// Rows looked at, at most.
    static let budget: Int32 = 20_000

    var jobs: [JobLine] = []
    /// Rows looked at.
    var looked: Int64 = 0
    /// The oldest job looked at, when older ones may match too.
    var reached: Int64?
    /// When that one was enqueued.
    var reachedAt: Date?

    static func read(from database: ConnectionPool, _ filter: Filter, limit: Int32) async throws -> JobPage {
        let rows = try await database.run(
            SQL.Queries.jobsPage,
            [
                .text(filter.tenant), .array(filter.states.isEmpty ? nil : filter.states), .text(filter.kind),
                .text(filter.user), .text(filter.errorClass), .text(filter.worker), .int32(filter.campaign),
                .timestamp(filter.since), .int64(filter.before), .int32(budget), .int32(limit),
            ])
        var page = JobPage()
        for row in rows {
            page.looked = try row.decode("looked")
            page.reached = try row.decode("reached")
            page.reachedAt = try row.decode("reached_at")
            if try row.decode("job_id", as: Int64?.self) != nil { page.jobs.append(try JobLine(row)) }
        }
        return page
    }

    /// `Looked back to 02:12:00 through 20000 rows and found 11. Older rows may match: --before 88211900417`; nil when
    /// the search came to its end.
    func remark(at now: Date) -> String? {
        guard let reached else { return nil }
        let time = reachedAt.map { at in
            " to \(now.timeIntervalSince(at) < 86_400 ? Figures.time(at) : Figures.dateAndTime(at))"
        }
        return "Looked back\(time ?? "") through \(Figures.count(looked)) rows and found \(Figures.count(jobs.count)). "
            + "Older rows may match: --before \(reached)"
    }
}
