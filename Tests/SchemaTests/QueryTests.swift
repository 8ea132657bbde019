import Postgres
import PostgresTestSupport
import Schema
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct QueryTests {
    @Test("every file of sql/queries prepares, and its header names its parameters' types")
    func queriesPrepare() async throws {
        try await TestDatabase.with { database in
            try await database.withConnection { connection in
                for file in SQL.Queries.all {
                    let (header, server) = try await StatementHeader.compare(file, on: connection)
                    #expect(header == server, "\(file.name)")
                }
            }
        }
    }

    @Test("a header is read in the form -- $1 name type, in order")
    func headers() {
        let file = SQLFile(
            name: "queries/x.sql",
            text: "-- Why.\n-- $1 ids bigint[]\n-- $2 until timestamp with time zone: late\nSELECT 1")
        #expect(StatementHeader(file)?.types == ["bigint[]", "timestamp with time zone"])
        #expect(StatementHeader(SQLFile(name: "x", text: "-- $2 ids bigint")) == nil)
    }
}
