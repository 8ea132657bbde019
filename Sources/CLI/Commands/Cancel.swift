import ArgumentParser
import Postgres
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
