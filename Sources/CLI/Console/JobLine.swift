import Foundation
import Postgres
import Queue

/// A job as `attune jobs --json` prints it.
struct JobLine: Encodable {
    var job: Int64
    var tenant: String
    var kind: String
    /// Nil when the user was erased, or for a kind that is no user's.
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
        kind = try row.decode("kind")
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

    /// `tenant/user`.
    var whose: String { "\(tenant)/\(user ?? (kind == MetaRunQueue.kind ? "–" : "erased"))" }

    /// Table cells under ``table()``.
    var cells: [String] {
        // Without an error a message says what came of the job.
        let error = errorClass.map { [$0, message].compactMap(\.self).joined(separator: " · ") } ?? ""
        return [
            Terminal.colored(state, Terminal.color(ofState: state)), String(job), whose, flow,
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
