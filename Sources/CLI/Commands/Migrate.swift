import ArgumentParser
import Postgres
import Schema

/// Brings the schema to this version.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database's schema `attune` to this version; safe to run by many at once.",
        discussion:
            "EXAMPLES:\n  attune migrate\n  attune migrate --dsn 'host=db.internal dbname=app user=attune_owner'")

    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Codable {
        var version: Int32
        var applied: [String]
    }

    func run() async throws {
        let database = try await Connection.open(connection.conninfo())
        let report = try await Migrator().migrate(database)
        await database.close()
        if output.json { return try JSONOutput.print(Answer(version: report.version, applied: report.applied)) }
        for name in report.applied { Terminal.note("applied    \(name)") }
        Terminal.output("schema     version \(report.version)\(report.applied.isEmpty ? ", nothing to do" : "")")
    }
}
