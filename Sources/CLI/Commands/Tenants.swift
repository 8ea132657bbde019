import ArgumentParser
import Foundation
import Postgres
import Registry
import Schema

/// The tenants of a deployment.
struct Tenants: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "Make and list tenants, set their weights and limits, pause and resume them.",
        discussion: """
            EXAMPLES:
              attune tenant create acme
              attune tenant list
              attune tenant limit acme --max-running 500
              attune tenant pause acme --reason "labels are being corrected"
            """,
        subcommands: [
            Create.self, List.self, SetFlow.self, SetLimit.self, Pause.self, Resume.self, Limits.self,
        ])

    /// Makes one.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a tenant with its three flows: interactive, bulk and campaign.",
            discussion: "EXAMPLES:\n  attune tenant create acme")

        @Argument(help: "1 to 63 of a-z, 0-9, dot, dash and underscore; a letter or digit first.") var name: String
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var tenant: String
            var tenantID: Int32
        }

        func run() async throws {
            try await connection.withDatabase { database in
                let id = try await Registry(database).createTenant(name)
                if output.json { return try JSONOutput.print(Answer(tenant: name, tenantID: id)) }
                Terminal.output("tenant     \(name)")
            }
        }
    }

    /// Shows them.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the tenants that this role may see.",
            discussion: "EXAMPLES:\n  attune tenant list\n  attune tenant list --json")

        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Line: Encodable {
            var tenant: String
            var base: String?
            var recipe: String?
            var users: Int64
            var usersAreExact: Bool
            var created: Date
        }

        func run() async throws {
            let lines = try await connection.withDatabase { database in
                try await database.run(SQL.Queries.listTenants).map { row in
                    let users: Int64 = try row.decode("users")
                    return Line(
                        tenant: try row.decode("name"), base: try row.decode("base"), recipe: try row.decode("recipe"),
                        users: min(users, 100_000), usersAreExact: users <= 100_000,
                        created: try row.decode("created_at"))
                }
            }
            if output.json { return try lines.forEach { try JSONOutput.print($0) } }
            var table = TextTable(
                .init(title: "TENANT"), .init(title: "USERS", alignment: .right), .init(title: "BASE"),
                .init(title: "RECIPE"), .init(title: "CREATED"))
            table.rows = lines.map { line in
                [
                    line.tenant, Figures.count(line.users) + (line.usersAreExact ? "" : "+"), line.base ?? "–",
                    line.recipe ?? "–", Figures.dateAndTime(line.created),
                ]
            }
            table.show(whenEmpty: "no tenant yet: attune tenant create NAME")
        }
    }
}
