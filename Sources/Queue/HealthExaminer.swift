public import Postgres
package import Schema

/// Makes the checks of `sql/checks`, each within its time, and has them judged by the limits in `attune.health_check`.
public struct HealthExaminer: Sendable {
    /// The longest that one check may take; default 2,000.
    public var checkMilliseconds = 2000

    private let pool: ConnectionPool
    private let checks: [SQLFile]

    /// Makes it over a pool whose role has attune_worker or attune_operator. What other sessions do is visible to it only
    /// with pg_monitor; a check of its own says so.
    public init(_ pool: ConnectionPool) { self.init(pool, checks: SQL.Checks.all) }

    package init(_ pool: ConnectionPool, checks: [SQLFile]) {
        self.pool = pool
        self.checks = checks
    }

    /// Makes every check. One that takes too long or fails is a reading without a measure.
    ///
    /// - Throws: `PostgresError` when the server does not answer at all.
    public func examine() async throws -> HealthReadings {
        var readings = HealthReadings()
        for check in checks {
            let name = String(check.name.dropFirst("checks/".count).dropLast(".sql".count))
            readings.checked.append(name)
            do {
                readings.readings += try await run(check, name)
            } catch let error as PostgresError where error.code == .statement {
                readings.readings.append(Self.failure(of: name, error, afterMilliseconds: checkMilliseconds))
            }
        }
        return readings
    }

    /// Judges readings, worst first.
    public func judge(_ readings: HealthReadings) async throws -> [HealthFinding] {
        try await pool.execute(Statement(SQL.Queries.judgeHealth), Parameters(readings.values)).map(Self.finding)
    }

    /// Keeps readings as the rows of `attune.health`; returns how many are not ok.
    ///
    /// - Throws: `deposed` when another scheduler leads.
    @discardableResult
    public func record(_ readings: HealthReadings, epoch: Int64) async throws -> Int {
        try await pool.execute(Statement(SQL.Queries.recordHealth), Parameters([.int64(epoch)] + readings.values))
            .one().decode(0)
    }

    /// What the leader's checks found last, worst first; the row `scheduler` says whether one leads.
    public func recorded() async throws -> [HealthFinding] {
        try await pool.execute(Statement(SQL.Queries.health)).map(Self.finding)
    }

    private func run(_ check: SQLFile, _ name: String) async throws -> [HealthReadings.Reading] {
        try await pool.withTransaction { connection in
            try await connection.execute(Statement(SQL.Queries.boundCheck), [.text("\(checkMilliseconds)")])
            return try await connection.execute(Statement(check)).map { row in
                HealthReadings.Reading(
                    name: name, subject: try row.decode("subject"), measured: try row.decode("measured"),
                    what: try row.decode("what"), ifLeft: try row.decode("if_left"), helps: try row.decode("helps"))
            }
        }
    }

    private static func failure(
        of name: String, _ error: PostgresError, afterMilliseconds limit: Int
    ) -> HealthReadings.Reading {
        let isLate = error.sqlState == .queryCanceled || error.sqlState == .lockNotAvailable
        return HealthReadings.Reading(
            name: name, measured: nil,
            what: isLate
                ? "the check \(name) did not finish within \(limit) ms" : "the check \(name) failed: \(error.message)",
            ifLeft: "nobody knows how this stands",
            helps: isLate
                ? "look at what loads the server; attune doctor makes the check again"
                : "grant the role what it lacks, or report this as a defect of Attune")
    }

    private static func finding(_ row: Row) throws -> HealthFinding {
        HealthFinding(
            name: try row.decode("name"), subject: try row.decode("subject"), status: try row.decodeCase(2),
            measured: try row.decode("measured"), unit: try row.decode("unit"),
            limits: (try row.decode("warn_at"), try row.decode("bad_at")), what: try row.decode("what"),
            ifLeft: try row.decode("if_left"), helps: try row.decode("helps"), since: try row.decode("since"))
    }
}
