/// What went wrong between us and PostgreSQL.
///
/// `description` is safe to log: it never holds parameters or credentials, nor the server's DETAIL, which quotes keys.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// Which kind of error; more kinds may come.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The kind's name.
        public let description: String
        private init(_ name: String) { description = name }

        /// The connection string cannot be read, or names something this libpq does not know.
        public static let configuration = Code("configuration")
        /// No connection came about; `tries` and `sqlState` say more.
        public static let unreachable = Code("unreachable")
        /// The server refused the connection for a reason that waiting does not remove: password, database, rights.
        public static let refused = Code("refused")
        /// The connection broke, or the server did not answer in time, while a statement was under way.
        public static let connectionLost = Code("connection_lost")
        /// COMMIT was sent and its reply never came: the transaction may or may not stand.
        public static let commitUnknown = Code("commit_unknown")
        /// The server refused the statement; `sqlState` and `message` say why.
        public static let statement = Code("statement")
        /// The task was cancelled; the statement had no effect.
        public static let cancelled = Code("cancelled")
        /// A value cannot be read as the type asked for.
        public static let decoding = Code("decoding")
        /// The connection or pool is closed, or is used in a way its documentation forbids.
        public static let misuse = Code("misuse")
        /// No connection of the pool became free in time.
        public static let poolExhausted = Code("pool_exhausted")
    }

    /// Which kind of error.
    public let code: Code
    /// What happened, in words: the server's primary message, libpq's message, or ours.
    public let message: String
    /// The server's code, where the server answered.
    public var sqlState: SQLState?
    /// The server's DETAIL; it may quote values, so it is not part of `description`.
    public var detail: String?
    /// The server's HINT.
    public var hint: String?
    /// The violated constraint's name, where the server gave one.
    public var constraint: String?
    /// The name of the ``Statement`` that failed.
    public var statement: String?
    /// `host:port`, or `host:port/database`, of the server.
    public var server: String?
    /// How often connecting was tried, and for how many seconds.
    public var tries: (count: Int, seconds: Double)?
    /// Whether the effect of what failed may stand in the database all the same.
    public var mayHaveCommitted = false

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same work may succeed later with nothing changed by a person. Where ``mayHaveCommitted`` is true, look
    /// before doing it again.
    public var isRetryable: Bool {
        switch code {
        case .unreachable, .connectionLost, .commitUnknown, .poolExhausted: true
        case .statement: sqlState?.isRetryable ?? false
        default: false
        }
    }

    /// One line: code, SQLSTATE, statement, server, and the primary message.
    public var description: String {
        var words = [code.description]
        if let sqlState { words.append(sqlState.description) }
        if let statement { words.append("in \(statement)") }
        if let server { words.append("at \(server)") }
        return words.joined(separator: " ") + ": " + message
    }
}
