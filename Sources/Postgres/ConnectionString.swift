import CPostgres
import Glibc

/// A connection on its way from the function that made it to the ``Wire`` that owns and frees it.
///
/// Unchecked Sendable: it is handed over once and used by one side at a time.
@safe struct Established: @unchecked Sendable {
    let raw: OpaquePointer
}

/// A libpq connection string, checked, and the making of a connection from it.
enum ConnectionString {
    /// Connects once. The string may name several hosts; libpq's environment variables fill what it leaves out.
    static func connect(_ conninfo: String, _ options: ConnectionOptions) throws(PostgresError) -> Established {
        try check(conninfo)
        let begin = ContinuousClock.now
        guard let raw = unsafe start(conninfo, options, PQconnectdbParams) else {
            throw PostgresError(.unreachable, "out of memory")
        }
        if unsafe PQstatus(raw) == CONNECTION_OK { return unsafe Established(raw: raw) }
        let server = unsafe serverName(raw)
        let message = unsafe oneLine(String(cString: PQerrorMessage(raw)))
        unsafe PQfinish(raw)
        // A server that refuses does so at once; one that does not answer is not asked a second time.
        let wasAnswered = ContinuousClock.now - begin < .seconds(options.connectTimeoutSeconds)
        let state = wasAnswered ? sqlState(ofRefusal: conninfo, options) : nil
        var error = PostgresError(state?.refusesConnection == true ? .refused : .unreachable, message)
        error.sqlState = state
        error.server = server
        throw error
    }

    /// `host:port/database` of a connection; a socket's folder is its host.
    static func serverName(_ raw: OpaquePointer, withDatabase: Bool = false) -> String {
        let host = unsafe PQhost(raw).map { unsafe String(cString: $0) } ?? ""
        let port = unsafe PQport(raw).map { unsafe String(cString: $0) } ?? ""
        let database = unsafe PQdb(raw).map { unsafe String(cString: $0) } ?? ""
        return "\(host):\(port)" + (withDatabase ? "/\(database)" : "")
    }

    /// libpq's messages end with a line break and may have several lines.
    static func oneLine(_ message: String) -> String {
        message.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix { $0.isWhitespace } }.joined(separator: "; ")
    }

    /// Refuses what libpq cannot read. Its message names the keyword, never a value.
    private static func check(_ conninfo: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        let parsed = unsafe PQconninfoParse(conninfo, &message)
        defer {
            unsafe PQconninfoFree(parsed)
            unsafe PQfreemem(message)
        }
        guard unsafe parsed == nil else { return }
        throw PostgresError(.configuration, unsafe message.map { unsafe oneLine(String(cString: $0)) } ?? "unreadable")
    }

    private typealias Starter = (
        UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<UnsafePointer<CChar>?>?, Int32
    ) -> OpaquePointer?

    /// Calls one of libpq's two functions that connect. What stands before `dbname` is a default that the string may
    /// overrule; what stands after it holds in any case.
    private static func start(_ conninfo: String, _ options: ConnectionOptions, _ starter: Starter) -> OpaquePointer? {
        let words = [
            ("fallback_application_name", options.applicationName),
            ("connect_timeout", String(options.connectTimeoutSeconds)),
            ("keepalives_idle", "30"),
            ("keepalives_interval", "10"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "60000"),
            ("dbname", conninfo),
            ("client_encoding", "UTF8"),
        ]
        return unsafe withCStrings(words.map(\.0)) { keys in
            unsafe withCStrings(words.map(\.1)) { values in unsafe starter(keys, values, 1) }
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { Array($0.utf8CString) }
        func lend(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) -> Result {
            guard index < copies.count else { return unsafe body(pointers + [nil]) }
            return unsafe copies[index].withUnsafeBufferPointer {
                unsafe lend(index + 1, pointers + [$0.baseAddress])
            }
        }
        return unsafe lend(0, [])
    }

    /// Why the server refuses us, nil when it does not get that far.
    ///
    /// libpq keeps the SQLSTATE of a failed connection to itself, except in the messages of its terse verbosity, which has
    /// to be chosen before connecting. So the refusal is provoked once more, and its code read from where that
    /// verbosity puts it: the end of the message.
    private static func sqlState(ofRefusal conninfo: String, _ options: ConnectionOptions) -> SQLState? {
        guard let raw = unsafe start(conninfo, options, PQconnectStartParams) else { return nil }
        defer { unsafe PQfinish(raw) }
        unsafe PQsetErrorVerbosity(raw, PQERRORS_SQLSTATE)
        let end = ContinuousClock.now + .seconds(options.connectTimeoutSeconds)
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_FAILED, state != PGRES_POLLING_OK, ContinuousClock.now < end {
            var descriptor = unsafe pollfd(
                fd: PQsocket(raw), events: Int16(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
            _ = unsafe poll(&descriptor, 1, 100)
            if descriptor.revents != 0 { state = unsafe PQconnectPoll(raw) }
        }
        guard state == PGRES_POLLING_FAILED else { return nil }
        let code = unsafe oneLine(String(cString: PQerrorMessage(raw))).suffix(5)
        let isCode = code.utf8.count == 5 && code.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber) }
        return isCode ? SQLState(String(code)) : nil
    }
}
