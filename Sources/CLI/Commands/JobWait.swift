import ArgumentParser
import Foundation
import Postgres
import Problem
import Queue
import Registry
import Schema

extension JobCommand {
    /// Waits until jobs have ended.
    struct Wait: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Wait until jobs have ended; exit status 1 when one was discarded or cancelled.",
            discussion: """
                EXAMPLES:
                  attune job wait 88211900417 88211900418
                  attune job wait --all --tenant acme --timeout 300
                """)

        @Argument(help: "Ids that enqueue returned.") var jobs: [Int64] = []
        @Flag(help: "Until nothing waits or runs.") var all = false
        @Option(help: ArgumentHelp("With --all: only this tenant's jobs.", valueName: "name")) var tenant: String?
        @Option(help: "Give up after this many seconds; the work goes on, the exit status is 9.") var timeout: Double?
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var ended: [String: Int64]
            var seconds: Double
        }

        func validate() throws {
            guard jobs.isEmpty == all else { throw ValidationError("Name jobs, or give --all.") }
            guard tenant == nil || all else { throw ValidationError("--tenant goes with --all.") }
            guard timeout.map({ $0 >= 0 }) ?? true else {
                throw ValidationError("--timeout must be 0 or more seconds.")
            }
        }

        func run() async throws {
            let started = Date()
            let ended = try await connection.withDatabase { database in
                if let tenant { _ = try await Registry(database).tenant(tenant) }
                return try await (all ? waitForAll(database, started) : waitForEach(database, started))
            }
            let seconds = Date().timeIntervalSince(started)
            if output.json {
                try JSONOutput.print(Answer(ended: ended, seconds: seconds))
            } else {
                let words = JobState.allCases.compactMap { state in
                    ended[state.rawValue].map { "\(state.rawValue) \($0)" }
                }
                Terminal.output(
                    "ended      \(words.isEmpty ? "none" : words.joined(separator: "   "))"
                        + "   \(Figures.span(seconds: seconds))")
            }
            if ended["discarded", default: 0] + ended["cancelled", default: 0] > 0 { throw ExitStatus.answerIsNo }
        }

        private func waitForEach(_ database: ConnectionPool, _ started: Date) async throws -> [String: Int64] {
            let wanted = Set(jobs)
            let progress = ProgressLine("wait")
            while true {
                var (ended, known) = ([String: Int64](), Set<Int64>())
                for row in try await database.run(SQL.Queries.jobStates, [.array(Array(wanted))]) {
                    let state: String = try row.decode("state")
                    known.insert(try row.decode("job_id"))
                    if JobState(rawValue: state)?.isTerminal == true { ended[state, default: 0] += 1 }
                }
                if let unknown = wanted.subtracting(known).min() {
                    throw Problem(
                        "unknown_job", at: "job \(unknown)", "no such job that this role may see.", do: "check the id.")
                }
                let count = Int(ended.values.reduce(0, +))
                progress.show(count, of: wanted.count)
                if count == wanted.count { return ended }
                try await pause(since: started, left: wanted.count - count)
            }
        }

        private func waitForAll(_ database: ConnectionPool, _ started: Date) async throws -> [String: Int64] {
            let progress = ProgressLine("wait")
            var (most, since) = (0, Date?.none)
            while true {
                let row = try await database.run(SQL.Queries.openWork, [.text(tenant)]).one()
                let left = Int(try row.decode("jobs", as: Int64.self))
                // The database's clock: what ended is looked up by it.
                let begin = try since ?? row.decode("now", as: Date.self)
                (most, since) = (max(most, left), begin)
                progress.show(most - left, of: most)
                if left == 0 { return try await endedSince(begin, database) }
                try await pause(since: started, left: left)
            }
        }

        private func endedSince(_ date: Date, _ database: ConnectionPool) async throws -> [String: Int64] {
            let rows = try await database.run(SQL.Queries.endedSince, [.text(tenant), .timestamp(date)])
            return try rows.reduce(into: [:]) { try $0[$1.decode("state")] = $1.decode("jobs", as: Int64.self) }
        }

        /// Sleeps longer the longer it has taken, a quarter of a second to two.
        private func pause(since started: Date, left: Int) async throws {
            let passed = Date().timeIntervalSince(started)
            if let timeout, passed >= timeout {
                throw Problem(
                    "timed_out", at: "attune job wait",
                    "\(left) jobs have not ended after \(Figures.span(seconds: passed)).",
                    do: "nothing: the work goes on; attune status shows it.")
            }
            let longest = timeout.map { max(0.05, $0 - passed) } ?? 2
            try await Task.sleep(for: .seconds(min(longest, min(2, max(0.25, passed / 10)))))
        }
    }
}
