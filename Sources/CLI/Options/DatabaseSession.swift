import ArgumentParser
import Postgres
import Problem
import Schema

extension DatabaseOptions {
    /// Someone waits at a terminal: six tries in about five seconds.
    private static let patience = Backoff(tries: 6, firstDelaySeconds: 0.2, longestDelaySeconds: 2)

    /// Lends connections to one command and closes them afterwards.
    func withDatabase<Result>(_ body: (ConnectionPool) async throws -> Result) async throws -> Result {
        var options = ConnectionOptions()
        options.reconnect = Self.patience
        return try await ConnectionPool.with(try conninfo(), limit: 2, options: options, body)
    }
}

extension ConnectionPool {
    /// Runs a file of `sql/`.
    @discardableResult
    func run(_ file: SQLFile, _ parameters: Parameters = []) async throws -> Rows {
        try await execute(Statement(file), parameters)
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
