import Bench
import Embedded
import Foundation
import Glibc
import Postgres
import Schema

extension BenchCommand.Scheduler {
    /// The sizes that were asked for.
    func fairness() -> FairnessBench.Configuration {
        var fair = FairnessBench.Configuration()
        fair.seed = seed
        if quick { (fair.campaignJobs, fair.tries, fair.shareSeconds, fair.capSeconds) = (400_000, 40, 6, 4) }
        return fair
    }

    /// Runs the fairness part on a private PostgreSQL.
    func judge(
        _ configuration: FairnessBench.Configuration, _ figures: inout [String: Double], _ tables: inout Tables
    ) async throws {
        let folder = "/tmp/attune-bench-fair-\(getpid())"
        // PostgreSQL runs under an account of its own and must reach its folder.
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        defer { Terminal.removeFolder(folder) }
        let server = PostgresServer(folder: "\(folder)/postgres")
        try server.start(isDurable: true)
        defer { Terminal.reporting { try server.stop() } }
        let database = try await Connection.open(server.conninfo)
        _ = try await Migrator().migrate(database)
        await database.close()
        let pool = ConnectionPool(server.conninfo, limit: configuration.workers + 20)
        let bench = FairnessBench(configuration, conninfo: server.conninfo, pool: pool)
        let (measured, rows) = try await bench.run { Terminal.note($0) }
        figures.merge(measured) { $1 }
        tables.fairness = rows
        await pool.close()
    }

    /// The fairness part's rows as a table.
    func show(_ rows: [FairnessBench.Row]) {
        guard !rows.isEmpty else { return }
        var table = TextTable(
            .init(title: "FAIRNESS"), .init(title: "COUNT", alignment: .right),
            .init(title: "MEDIAN", alignment: .right), .init(title: "P99", alignment: .right),
            .init(title: "STILL WAITING", alignment: .right))
        for row in rows {
            table.rows.append([
                row.part, Figures.count(row.count), Figures.fixed(row.median, 3),
                row.p99.map { Figures.fixed($0, 3) } ?? "–", row.waiting.map { Figures.count($0) } ?? "–",
            ])
        }
        table.lines(width: Terminal.width).forEach(Terminal.output)
    }
}
