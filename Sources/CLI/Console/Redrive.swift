import Foundation
import Postgres
import Schema

/// Running again all that failed with an error class since a time: told of before, frozen, and done in bounded steps.
struct Redrive {
    /// What would be done.
    struct Preview {
        /// By tenant.
        var tenants: [(name: String, discarded: Int64, waiting: Int64)] = []
        /// Whether there may be more than were looked for.
        var isCut = false
        /// Jobs from this id on come later, and are left alone.
        var before: Int64?

        /// Jobs found.
        var matches: Int64 { tenants.reduce(0) { $0 + $1.discarded + $1.waiting } }
    }

    /// What was done.
    struct Result: Encodable {
        /// Discarded jobs that were enqueued again, as new jobs.
        var asNew: Int64 = 0
        /// Jobs that waited for their next try and run now.
        var atOnce: Int64 = 0
        /// Discarded jobs that had been retried before: left alone.
        var retriedBefore: Int64 = 0
        /// The row of `attune.audit`.
        var audit: Int64?
    }

    let errorClass: String
    let since: Date
    let tenant: String?

    private var filter: [Value] { [.text(errorClass), .timestamp(since), .text(tenant)] }

    func preview(_ database: ConnectionPool) async throws -> Preview {
        var preview = Preview()
        for row in try await database.run(SQL.Queries.retryMatches, Parameters(filter)) {
            preview.before = try row.decode("before")
            preview.isCut = try row.decode("is_cut")
            if let name = try row.decode("tenant", as: String?.self) {
                preview.tenants.append((name, try row.decode("discarded"), try row.decode("waiting")))
            }
        }
        return preview
    }

    /// Goes through all of it, a transaction a step; what a step has done stays when a later one fails.
    func run(
        _ database: ConnectionPool, before: Int64?, progress: (Result) -> Void
    ) async throws -> Result {
        var (result, next) = (Result(), before)
        repeat {
            let row = try await database.run(
                SQL.Queries.retryMany, Parameters(filter + [.int64(next), .int64(result.audit)])
            ).one()
            result.audit = try row.decode("action_id")
            result.asNew += try row.decode("as_new", as: Int64.self)
            result.atOnce += try row.decode("at_once", as: Int64.self)
            result.retriedBefore += try row.decode("retried_before", as: Int64.self)
            next = try row.decode("next_before")
            progress(result)
        } while next != nil
        return result
    }
}

extension Redrive.Preview {
    /// `12 discarded jobs failed with bad_data since 2026-11-22 04:00:00 (acme 10, birch 2): …`
    func sentence(_ redrive: Redrive) -> String {
        let since = "since \(Figures.dateAndTime(redrive.since))"
        guard matches > 0 else {
            let more = isCut ? " among the newest; older ones may have" : ""
            return "No discarded or waiting job failed with \(redrive.errorClass) \(since)\(more)."
        }
        let discarded = tenants.reduce(0) { $0 + $1.discarded }
        let named = tenants.prefix(4).map { "\($0.name) \(Figures.count($0.discarded + $0.waiting))" }
        let others = tenants.count > 4 ? ", \(tenants.count - 4) more tenants" : ""
        return
            "\(isCut ? "At least " : "")\(Figures.count(discarded)) discarded and \(Figures.count(matches - discarded)) waiting jobs "
            + "failed with \(redrive.errorClass) \(since) (\(named.joined(separator: ", "))\(others)).\n"
            + "Each discarded one becomes a new job at the end of its flow, with fresh tries; the waiting ones run now."
    }
}
