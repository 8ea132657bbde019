import ArgumentParser
import Foundation
import Postgres
import Scheduler
import Schema

/// The workers of a deployment, and what an operator does with one.
struct WorkersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "List workers; pause, resume or drain one; say how many are wanted.",
        discussion: """
            EXAMPLES:
              attune workers
              attune workers pause w-12        # claims nothing more, keeps what it holds; its lanes go to others
              attune workers resume w-12
              attune workers drain w-12        # finishes and ends, as after SIGTERM
              attune workers wanted --json
            """,
        subcommands: [List.self, Pause.self, Resume.self, Drain.self, Wanted.self], defaultSubcommand: List.self)

    /// Shows them.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the workers that have not stopped: state, speed, lanes, and when their work is done.",
            discussion: """
                SPEED is milliseconds of reference work done per millisecond with work in hand. DONE IN counts what waits
                in a worker's lanes and what it holds. The same in SQL: SELECT * FROM attune.workers.

                EXAMPLES:
                  attune workers
                  attune workers --json
                """)

        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Line: Encodable {
            var workerID: Int64
            var worker: String
            var version: String
            var state: String
            var speed: Float?
            var lanes: Int64
            var waiting: Int64
            var inHand: Int32
            var workMilliseconds: Double
            var doneInSeconds: Double?
            var silentSeconds: Double
            var firstJobSeconds: Double?
            var started: Date
        }

        func run() async throws {
            let lines = try await connection.withDatabase { database in
                try await database.run(SQL.Queries.workers).map { row in
                    let speed: Float? = try row.decode("speed")
                    let work: Double = try row.decode("cost_ms") + Double(row.decode("in_hand_ms", as: Float.self))
                    return Line(
                        workerID: try row.decode("worker_id"), worker: try row.decode("name"),
                        version: try row.decode("version"), state: try row.decode("state"), speed: speed,
                        lanes: try row.decode("lanes"), waiting: try row.decode("waiting"),
                        inHand: try row.decode("in_hand"), workMilliseconds: work,
                        doneInSeconds: speed.map { work / Double($0) / 1000 },
                        silentSeconds: try row.decode("silent_seconds"),
                        firstJobSeconds: try row.decode("first_job_seconds"), started: try row.decode("started_at"))
                }
            }
            if output.json { return try lines.forEach { try JSONOutput.print($0) } }
            let working = lines.filter { $0.state == "active" }
            let speeds = working.compactMap { $0.speed.map(Double.init) }
            if let last = working.compactMap(\.doneInSeconds).max(), speeds.count == working.count {
                let best = FinishBound(costs: lines.map(\.workMilliseconds), speeds: speeds).seconds
                Terminal.output(
                    "What they own is done in \(Figures.span(seconds: last)); shared out evenly it would be "
                        + "\(Figures.span(seconds: min(best, last))).\n")
            }
            var table = TextTable(
                .init(title: "WORKER"), .init(title: "STATE"), .init(title: "SPEED", alignment: .right),
                .init(title: "LANES", alignment: .right), .init(title: "WAITING", alignment: .right),
                .init(title: "IN HAND", alignment: .right), .init(title: "DONE IN", alignment: .right),
                .init(title: "ID", alignment: .right), .init(title: "VERSION"), .init(title: "STARTED"))
            table.rows = lines.map { line in
                [
                    line.worker, line.state, line.speed.map { Figures.fixed(Double($0), 2) } ?? "–",
                    Figures.count(line.lanes), Figures.count(line.waiting), Figures.count(line.inHand),
                    line.doneInSeconds.map { Figures.span(seconds: $0) } ?? "–", String(line.workerID), line.version,
                    Figures.dateAndTime(line.started),
                ]
            }
            table.show(whenEmpty: "no worker runs: attune worker")
        }
    }

    /// Stops one from claiming.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a worker claim nothing more until it is resumed; it finishes what it holds.",
            discussion: "EXAMPLES:\n  attune workers pause w-12")

        @OptionGroup var change: WorkerChange
        func run() async throws { try await change.set("paused") }
    }

    /// Lets one claim again.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused worker claim again.", discussion: "EXAMPLES:\n  attune workers resume w-12")

        @OptionGroup var change: WorkerChange
        func run() async throws { try await change.set("active") }
    }

    /// Ends one in order.
    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a worker finish or hand back what it holds, and end; not to be taken back.",
            discussion: "EXAMPLES:\n  attune workers drain w-12")

        @OptionGroup var change: WorkerChange
        func run() async throws { try await change.set("draining") }
    }

    /// Says how many are wanted.
    struct Wanted: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How many workers work off what waits in the target time, and the arithmetic.",
            discussion: """
                The leading scheduler decides; an autoscaler reads SELECT desired FROM attune.desired_workers. Target and
                limits are drain_target_seconds, workers_min, workers_max and shrink_after_seconds of attune.setting.

                EXAMPLES:
                  attune workers wanted
                """)

        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var desired: Int32
            var needed: Int32
            var live: Int32
            var backlogMilliseconds: Double
            var arrival: Double
            var speedEach: Double
            var decided: Date?
            var isFresh: Bool
        }

        func run() async throws {
            try await connection.withDatabase { database in
                let row = try await database.run(SQL.Queries.desiredWorkers).one()
                let answer = Answer(
                    desired: try row.decode("desired"), needed: try row.decode("needed"), live: try row.decode("live"),
                    backlogMilliseconds: try row.decode("backlog_ms"), arrival: try row.decode("arrival"),
                    speedEach: try row.decode("speed_each"), decided: try row.decode("decided_at"),
                    isFresh: try row.decode("is_fresh"))
                if output.json { return try JSONOutput.print(answer) }
                Terminal.output("wanted     \(answer.desired)   of \(answer.live) live")
                Terminal.output("because    \(try row.decode("because", as: String.self))")
                if !answer.isFresh {
                    Terminal.note("no scheduler has decided within a minute: attune scheduler")
                }
            }
        }
    }
}

/// The worker a verb is about, and what it says afterwards.
struct WorkerChange: ParsableArguments {
    @Argument(help: "Name of the worker, or its id where two share a name.") var name: String
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Encodable {
        var workerID: Int64
        var worker: String
        var state: String
        var lanes: Int32
        var waiting: Int64
        var inHand: Int32
    }

    func set(_ state: String) async throws {
        try await connection.withDatabase { database in
            let row = try await database.run(SQL.Queries.setWorker, [.text(name), .text(state)]).one()
            let answer = Answer(
                workerID: try row.decode("worker_id"), worker: try row.decode("name"), state: try row.decode("state"),
                lanes: try row.decode("lanes"), waiting: try row.decode("waiting"), inHand: try row.decode("in_hand"))
            if output.json { return try JSONOutput.print(answer) }
            let left =
                state == "active"
                ? "gets lanes at the scheduler's next tick"
                : "\(Figures.count(answer.lanes)) lanes with \(Figures.count(answer.waiting)) waiting jobs go to others; "
                    + "it finishes the \(Figures.count(answer.inHand)) jobs it holds"
            Terminal.output("\(state.padding(toLength: 9, withPad: " ", startingAt: 0))  \(answer.worker)  \(left)")
        }
    }
}
