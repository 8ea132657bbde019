import Bench

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
        try await PrivateServices.withDatabase(connections: configuration.workers + 20) { _, conninfo, pool in
            let bench = FairnessBench(configuration, conninfo: conninfo, pool: pool)
            let (measured, rows) = try await bench.run { Terminal.note($0) }
            figures.merge(measured) { $1 }
            tables.fairness = rows
        }
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
