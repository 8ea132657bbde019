import ArgumentParser
import Foundation
import Postgres
import Problem
import Schema

/// One job: what happened to it, and waiting for it.
struct JobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Show one job's life, or wait for jobs to end.",
        discussion: "EXAMPLES:\n  attune job 88211900417\n  attune job wait 88211900417 --timeout 60",
        subcommands: [Show.self, Wait.self], defaultSubcommand: Show.self)

    /// Shows one.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one job: each attempt, how it ended and what it changed.",
            discussion: "EXAMPLES:\n  attune job 88211900417\n  attune job 88211900417 --json")

        @Argument(help: "The id that enqueue returned.") var job: Int64
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let life = try await connection.withDatabase { try await JobLife.read(job, from: $0) }
            if output.json { return try JSONOutput.print(life) }
            for line in life.lines { Terminal.output(line) }
        }
    }
}
