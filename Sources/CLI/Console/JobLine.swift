import Foundation
import Postgres
import Queue
import Schema

/// A job as `attune jobs --json` prints it.
struct JobLine: Encodable {
    var job: Int64
    var tenant: String
    /// Nil when the user was erased.
    var user: String?
    var flow: String
    var state: String
    var attempt: Int32?
    var tries: Int16?
    var worker: String?
    var enqueued: Date
    var runsAt: Date?
    var claimed: Date?
    var finished: Date?
    var errorClass: String?
    var message: String?
    var revision: Int32?

    init(_ row: Row) throws(PostgresError) {
        job = try row.decode("job_id")
        tenant = try row.decode("tenant")
        user = try row.decode("user_id")
        flow = try row.decode("flow")
        state = try row.decode("state")
        attempt = try row.decode("attempt")
        tries = try row.decode("tries")
        worker = try row.decode("worker")
        enqueued = try row.decode("enqueued_at")
        runsAt = try row.decode("run_at")
        claimed = try row.decode("claimed_at")
        finished = try row.decode("finished_at")
        errorClass = try row.decode("error_class")
        message = try row.decode("message")
        revision = try row.decode("revision")
    }

    /// Table cells under ``table()``.
    var cells: [String] {
        let error = [errorClass, message].compactMap { $0 }.joined(separator: " · ")
        return [
            Terminal.colored(state, Terminal.color(ofState: state)), String(job), "\(tenant)/\(user ?? "erased")", flow,
            tries.map(String.init) ?? "–",
            claimed.map { Figures.span(seconds: max(0, $0.timeIntervalSince(enqueued))) } ?? "–",
            Figures.dateAndTime(finished ?? claimed ?? enqueued), error.isEmpty ? "–" : String(error.prefix(60)),
        ]
    }

    static func table() -> TextTable {
        TextTable(
            .init(title: "STATE"), .init(title: "JOB", alignment: .right), .init(title: "USER"), .init(title: "FLOW"),
            .init(title: "FAILED", alignment: .right), .init(title: "WAITED", alignment: .right), .init(title: "WHEN"),
            .init(title: "LAST ERROR"))
    }
}

/// Newest jobs that match, and how far the search went: its cost does not grow with what waits.
struct JobPage {
    /// Jobs looked at, at most.
    static let budget: Int64 = 20_000
    /// The same when open jobs are sought by their state: where each stands costs a look of its own.
    static let openBudget: Int64 = 4000

    var jobs: [JobLine] = []
    /// Jobs looked at.
    var looked: Int64 = 0
    /// The oldest job looked at.
    var reached: Int64?
    /// Whether older jobs may match too.
    var isCut = false

    static func read(
        from database: ConnectionPool, tenant: String? = nil, user: String? = nil, states: [String] = [],
        errorClass: String? = nil, before: Int64? = nil, limit: Int64
    ) async throws -> JobPage {
        let seeksOpen = errorClass != nil || states.contains { JobState(rawValue: $0)?.isTerminal == false }
        let budget = seeksOpen ? openBudget : budget
        let rows = try await database.run(
            SQL.Queries.jobsPage,
            [
                .text(tenant), .text(user), .array(states.isEmpty ? nil : states), .text(errorClass), .int64(before),
                .int64(budget), .int64(limit),
            ])
        var page = JobPage()
        for row in rows {
            page.looked = try row.decode("looked")
            page.reached = try row.decode("reached")
            if try row.decode("job_id", as: Int64?.self) != nil { page.jobs.append(try JobLine(row)) }
        }
        page.isCut = page.looked == budget || page.jobs.count == Int(limit)
        return page
    }
}
