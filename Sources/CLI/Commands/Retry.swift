import ArgumentParser
import Foundation
import Postgres
import Problem
import Registry
import Schema

/// Runs jobs again.
struct Retry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Run jobs again now: at once if they wait for their time, as new jobs if they were discarded or cancelled.",
        discussion: """
            With --error-class and --since: everything that failed so, discarded jobs as new jobs at the end of their flow \
            with fresh tries, those that wait for their next try at once. Says before how many, and asks; jobs that fail \
            from then on are left alone. The same in SQL: SELECT * FROM attune.retry_many('bad_data', now() - interval '2 h'). \
            A job that was retried before is not retried twice.

            EXAMPLES:
              attune retry 88211900417
              attune retry --error-class store_denied --since 2h
              attune retry --error-class bad_data --since 2026-11-22T04:00:00Z --tenant acme --yes
            """)

    @Argument(help: "Ids of jobs.") var jobs: [Int64] = []
    @Option(help: "All that failed with this error.") var errorClass: String?
    @Option(
        help: ArgumentHelp(
            "With --error-class: since then; 90s, 5m, 2h, 3d, or a UTC time.", valueName: "time"))
    var since: PointInTime?
    @Option(help: ArgumentHelp("With --error-class: only this tenant's.", valueName: "name")) var tenant: String?
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Encodable {
        var job: Int64
        /// The job that will run: the same one, or a new one.
        var runs: Int64?
        var errorClass: String?
    }

    func validate() throws {
        guard jobs.isEmpty == (errorClass != nil) else { throw ValidationError("Name jobs, or give --error-class.") }
        guard (errorClass == nil) == (since == nil) else { throw ValidationError("--error-class needs --since.") }
        guard tenant == nil || errorClass != nil else { throw ValidationError("--tenant goes with --error-class.") }
    }

    func run() async throws {
        guard let errorClass, let since else { return try await retryEach() }
        let started = Date()
        let redrive = Redrive(errorClass: errorClass, since: since.date(before: started), tenant: tenant)
        try await connection.withDatabase { database in
            if let tenant { _ = try await Registry(database).tenant(tenant) }
            let preview = try await redrive.preview(database)
            Terminal.note(preview.sentence(redrive))
            guard preview.matches > 0 else {
                if output.json { try JSONOutput.print(Redrive.Result()) }
                return
            }
            try confirm()
            let result = try await redrive.run(database, before: preview.before) { result in
                Terminal.progress("retried    \(result.asNew) as new jobs, \(result.atOnce) at once")
            }
            if output.json { return try JSONOutput.print(result) }
            Terminal.output(
                "retried    \(result.asNew) as new jobs   at once \(result.atOnce)   retried before \(result.retriedBefore)   "
                    + Figures.span(seconds: Date().timeIntervalSince(started)))
        }
    }

    private func confirm() throws {
        if yes { return }
        guard Terminal.isInputATerminal else {
            throw Problem(
                "usage", at: "attune retry", "nobody is there to ask, and nothing was done.", do: "give --yes.")
        }
        Terminal.note("Go on? [y/N]")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else { throw ExitStatus.answerIsNo }
    }

    private func retryEach() async throws {
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
