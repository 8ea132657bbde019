public import Postgres
import Problem

/// What tenants have told Attune, as rows: who they are, which bases and recipes serve them, their catalogues, their users'
/// examples, and the adapters those users have.
///
/// Every call is one statement or one transaction. Errors are `PostgresError`; where a function of the schema refused the
/// call, its `problem` has the class and the remedy (`unknown_tenant`, `not_allowed`, `unknown_item`, …).
public struct Registry: Sendable {
    let pool: ConnectionPool

    /// A registry over a database that has been migrated.
    public init(_ pool: ConnectionPool) { self.pool = pool }
}
