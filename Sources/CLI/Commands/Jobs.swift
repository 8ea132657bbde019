import ArgumentParser
import Foundation
import Problem
import Queue
import Registry

/// Which jobs, in what state, and why not done.
struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List jobs, newest first, with their state and last error.",
        discussion: """
            States: \(JobState.allCases.map(\.rawValue).joined(separator: ", ")).
            Looks at \(JobPage.budget) rows at most: of the user, of the error class, of jobs discarded or cancelled, of the \
            campaign, or else of all jobs, the newest first; says how far it came, and --before goes on from there. The \
            same in SQL: SELECT * FROM attune.jobs_walk(tenant => 'acme', states => '{discarded}').

            EXAMPLES:
              attune jobs --tenant acme --state discarded
              attune jobs --tenant acme --state retryable,running --limit 100
              attune jobs --tenant acme --user u-7
              attune jobs --error-class one_class_examples --since 2h --json
              attune jobs --state running --worker w-07
            """)

    @Option(help: ArgumentHelp("Only this tenant's.", valueName: "name")) var tenant: String?
    @Option(help: "Only this user's; needs --tenant.") var user: String?
    @Option(help: "Only in these states, separated by commas.") var state: String?
    @Option(help: "Only with this last error, for example one_class_examples.") var errorClass: String?
    @Option(help: "Only of this kind.") var kind: String?
    @Option(help: ArgumentHelp("Only ended by this worker, or in its hands.", valueName: "name")) var worker: String?
    @Option(help: ArgumentHelp("Only fed by this campaign.", valueName: "id")) var campaign: Int32?
    @Option(
        help: ArgumentHelp(
            "Only ended, or while open enqueued, since then: 90s, 5m, 2h, 3d, or a UTC time as 2026-11-22T04:00:00Z.",
            valueName: "time"))
    var since: PointInTime?
    @Option(help: "Only jobs older than this job id.") var before: Int64?
    @Option(help: "Rows at most, 1 to 10,000.") var limit: Int32 = 50
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private var states: [String] { state?.split(separator: ",").map(String.init) ?? [] }

    func validate() throws {
        if let unknown = states.first(where: { JobState(rawValue: $0) == nil }) {
            throw ValidationError(
                "There is no state \(unknown); say \(JobState.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        guard user == nil || tenant != nil else { throw ValidationError("--user needs --tenant.") }
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit must be 1 to 10,000.") }
    }

    func run() async throws {
        let now = Date()
        let page = try await connection.withDatabase { database in
            if let tenant { _ = try await Registry(database).tenant(tenant) }
            if let tenant, let user { _ = try await Registry(database).user(user, of: tenant) }
            let filter = JobPage.Filter(
                tenant: tenant, states: states, kind: kind, user: user, errorClass: errorClass, worker: worker,
                campaign: campaign, since: since?.date(before: now), before: before)
            return try await JobPage.read(from: database, filter, limit: limit)
        }
        if output.json {
            try page.jobs.forEach { try JSONOutput.print($0) }
        } else {
            var table = JobLine.table()
            table.rows = page.jobs.map(\.cells)
            let isAnyJob = user == nil && errorClass == nil && campaign == nil && state == nil && before == nil
            table.show(
                whenEmpty: page.looked == 0 && isAnyJob ? "no job yet: attune enqueue" : "no job matches")
        }
        if let remark = page.remark(at: now) { Terminal.note(remark) }
    }
}
