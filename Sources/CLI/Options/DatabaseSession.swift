import ArgumentParser
import Postgres
import Problem
import Schema

extension DatabaseOptions {
    /// Someone waits at a terminal: six tries in about five seconds.
    private static let patience = Backoff(tries: 6, firstDelaySeconds: 0.2, longestDelaySeconds: 2)

    /// Opens a connection for one command and closes it afterwards.
    func withDatabase<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
        var options = ConnectionOptions()
        options.reconnect = Self.patience
        options.applicationName = "attune"
        let database = try await Connection.open(conninfo(), options: options)
        do {
            let result = try await body(database)
            await database.close()
            return result
        } catch {
            await database.close()
            throw error
        }
    }
}

extension Connection {
    /// Runs a file of `sql/`.
    @discardableResult
    func run(_ file: SQLFile, _ parameters: Parameters = []) async throws(PostgresError) -> Rows {
        try await execute(Statement(file), parameters)
    }

    /// Refuses a tenant that does not exist, or that this role may not see.
    func requireTenant(_ name: String) async throws {
        guard try await run(SQL.Queries.findTenant, [.text(name)]).isEmpty else { return }
        throw Problem(
            "unknown_tenant", at: Problem.excerpt(name), "no tenant of that name that this role acts for.",
            do: "attune tenant list shows those there are; attune tenant create makes one.")
    }
}

/// `--tenant`, on every command that acts for one.
struct TenantOption: ParsableArguments {
    @Option(help: ArgumentHelp("The tenant to act for.", valueName: "name"))
    var tenant: String
}

/// A tenant and one of its users, in that order, as `attune predict demo u-7` names them.
struct UserArguments: ParsableArguments {
    @Argument(help: "The tenant.") var tenant: String
    @Argument(help: "The tenant's own id of the user.") var user: String
}
