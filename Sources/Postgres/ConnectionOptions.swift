/// How connections are made and kept; every field has a default that suits a worker behind a pooler.
public struct ConnectionOptions: Sendable {
    /// What `pg_stat_activity` shows, unless the connection string or PGAPPNAME names it.
    public var applicationName = "attune"
    /// Seconds to connect to one host, 2 or more, unless the connection string says otherwise.
    public var connectTimeoutSeconds = 10
    /// Seconds without any answer to a statement after which the connection counts as lost, above 0. A server that is
    /// stopped, or a network that swallows packets, gives no error by itself. Statements that rightly take longer need
    /// a larger value.
    public var replyTimeoutSeconds: Double = 300
    /// How connecting is repeated.
    public var reconnect = Backoff.connecting
    /// Whether statements are prepared once per connection, under a name. Only for direct connections: behind a pooler in
    /// transaction mode the name belongs to a server connection that the next transaction may not get.
    public var preparesStatements = false

    /// The defaults.
    public init() {}
}
