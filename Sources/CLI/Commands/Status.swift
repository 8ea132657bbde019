import ArgumentParser
import Foundation

/// How everything stands.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what waits, what is in work, how fast it goes and when it is done.",
        discussion: """
            Costs the same whatever waits: figures marked ≈ are estimates from samples of the lanes, rates are over the last \
            minute or two and a few seconds late. The same in SQL: SELECT * FROM attune.backlog; SELECT * FROM \
            attune.recent_outcomes; SELECT * FROM attune.recent_errors. --watch ends with q; piped, it prints a line per change.

            EXAMPLES:
              attune status
              attune status --watch
              attune status --json
            """)

    @Flag(help: "Redraw every two seconds.") var watch = false
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await connection.withDatabase { database in
            guard watch else {
                let status = try await QueueStatus.read(from: database)
                return output.json ? try JSONOutput.print(status) : show(status)
            }
            try await StatusWatch(isJSON: output.json).run(database)
        }
    }

    private func show(_ status: QueueStatus) { for line in StatusText.lines(status) { Terminal.output(line) } }
}
