import ArgumentParser
import Postgres
import Schema

/// The lanes and what waits in them.
struct LanesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lanes", abstract: "List lanes: who owns them, what waits there, and for how long.",
        discussion: """
            Figures are what a lane's owner saw when it last looked, every 10 s; an estimate is marked ≈, one that is out
            of date with a question mark. The same in SQL: SELECT * FROM attune.lanes.

            EXAMPLES:
              attune lanes
              attune lanes --worker w-12 --json
            """)

    @Option(help: ArgumentHelp("Only this worker's.", valueName: "name or id")) var worker: String?
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        var lane: Int32
        var worker: String?
        var waiting: Int64?
        var costMilliseconds: Double?
        var headAgeSeconds: Double?
        var isExact: Bool?
        var isFresh: Bool
        var movedSecondsAgo: Double
    }

    func run() async throws {
        let lines = try await connection.withDatabase { database in
            try await database.run(SQL.Queries.lanes, [.text(worker)]).map { row in
                Line(
                    lane: try row.decode("lane_id"), worker: try row.decode("worker"),
                    waiting: try row.decode("waiting"), costMilliseconds: try row.decode("cost_ms"),
                    headAgeSeconds: try row.decode("head_age"), isExact: try row.decode("exact"),
                    isFresh: try row.decode("is_fresh"), movedSecondsAgo: try row.decode("moved_seconds"))
            }
        }
        if output.json { return try lines.forEach { try JSONOutput.print($0) } }
        var table = TextTable(
            .init(title: "LANE", alignment: .right), .init(title: "WORKER"), .init(title: "WAITING", alignment: .right),
            .init(title: "WORK", alignment: .right), .init(title: "OLDEST", alignment: .right),
            .init(title: "MOVED", alignment: .right))
        table.rows = lines.map { line in
            let mark = line.isExact == false ? "≈ " : ""
            let doubt = line.isFresh || line.waiting == nil ? "" : " ?"
            return [
                String(line.lane), line.worker ?? "–",
                line.waiting.map { "\(mark)\(Figures.count($0))\(doubt)" } ?? "–",
                line.costMilliseconds.map { Figures.span(seconds: $0 / 1000) } ?? "–",
                line.headAgeSeconds.map { Figures.span(seconds: $0) } ?? "–",
                "\(Figures.span(seconds: line.movedSecondsAgo)) ago",
            ]
        }
        table.show(whenEmpty: worker == nil ? "no lane: attune migrate" : "no lane is owned by \(worker ?? "")")
    }
}
