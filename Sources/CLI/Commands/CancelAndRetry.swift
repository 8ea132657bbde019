import ArgumentParser
import Postgres
import Problem
import Schema

/// Stops jobs.
struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cancel jobs that wait or run; what a worker still does for them changes nothing.",
        discussion: """
            A job that had ended stays as it ended, and the exit status is 5.

            EXAMPLES:
              attune cancel 88211900417
              attune jobs --tenant acme --state scheduled --json | jq .job | xargs attune cancel
            """)

    @Argument(help: "Ids of jobs.") var jobs: [Int64]
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Encodable {
        var job: Int64
        var state: String
    }

    func run() async throws {
        var hadEnded = 0
        try await connection.withDatabase { database in
            for job in jobs {
                let state: String = try await database.run(SQL.Queries.cancelJob, [.int64(job)]).one().decode(0)
                if state != "cancelled" { hadEnded += 1 }
                if output.json {
                    try JSONOutput.print(Answer(job: job, state: state))
                } else {
                    Terminal.output(
                        state == "cancelled" ? "cancelled  \(job)" : "unchanged  \(job)  it had ended as \(state)")
                }
            }
        }
        if hadEnded > 0 { throw hadEnded == jobs.count ? ExitStatus.conflict : .partlyDone }
    }
}

/// Runs jobs again.
struct Retry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Run jobs again now: at once if they wait for their time, as new jobs if they were discarded or cancelled.",
        discussion: """
            EXAMPLES:
              attune retry 88211900417
              attune jobs --tenant acme --error-class one_class_examples --json | jq .job | xargs attune retry
            """)

    @Argument(help: "Ids of jobs.") var jobs: [Int64]
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Encodable {
        var job: Int64
        /// The job that will run: the same one, or a new one.
        var runs: Int64?
        var errorClass: String?
    }

    func run() async throws {
        var refused: [Problem] = []
        try await connection.withDatabase { database in
            for job in jobs {
                do {
                    let runs: Int64 = try await database.run(SQL.Queries.retryJob, [.int64(job)]).one().decode(0)
                    if output.json {
                        try JSONOutput.print(Answer(job: job, runs: runs))
                    } else {
                        Terminal.output(runs == job ? "retried    \(job)" : "retried    \(job)  as job \(runs)")
                    }
                } catch let error as PostgresError where error.sqlState?.isRaisedByAttune == true {
                    refused.append(error.problem)
                    if output.json {
                        try JSONOutput.print(Answer(job: job, errorClass: error.problem.errorClass))
                    } else if jobs.count > 1 {
                        Terminal.error(error.problem.description)
                    }
                }
            }
        }
        guard let first = refused.first else { return }
        if refused.count < jobs.count { throw ExitStatus.partlyDone }
        if jobs.count == 1 { throw first }
        throw ExitStatus.status(of: first)
    }
}
