import CPostgres
import Glibc

/// Owns one libpq connection: sends statements and waits for their results, with a limit on silence.
///
/// libpq is used in its non-blocking mode with `poll`, because its blocking calls wait for ever on a server that is
/// stopped or a network that swallows packets. Every call blocks the calling thread.
@safe struct Wire: ~Copyable {
    private var raw: OpaquePointer?
    /// `host:port/database`, for errors.
    let server: String
    let replyTimeout: Duration

    /// Takes ownership of a connection that is established.
    init(_ established: Established, replyTimeout: Duration) {
        let raw = unsafe established.raw
        unsafe self.raw = raw
        server = unsafe ConnectionString.serverName(raw, withDatabase: true)
        self.replyTimeout = replyTimeout
        // Notices ("relation exists, skipping") are for interactive users; libpq would print them on standard error.
        unsafe PQsetNoticeReceiver(raw, { _, _ in }, nil)
        _ = unsafe PQsetnonblocking(raw, 1)
    }

    deinit { unsafe PQfinish(raw) }

    /// Closes the connection; every later call fails.
    mutating func close() {
        unsafe PQfinish(raw)
        unsafe raw = nil
    }

    /// Whether the connection can take a statement: open, and not known to be broken.
    var isOpen: Bool { unsafe raw != nil && PQstatus(raw) == CONNECTION_OK }

    /// Whether no transaction is open.
    var isIdle: Bool { unsafe PQtransactionStatus(raw) == PQTRANS_IDLE }

    /// The server process at the other end, as `pg_stat_activity.pid`.
    var processID: Int32 { unsafe PQbackendPID(raw) }

    /// Looks, without waiting, whether the server has closed the connection since it was last used.
    func answers() -> Bool {
        guard isOpen else { return false }
        while isReady(POLLIN, within: .zero) {
            if unsafe PQconsumeInput(raw) == 0 { return false }
            // Notices and parameter changes are no reason to give a connection up; end of file is.
            if unsafe PQisBusy(raw) == 0, !isOpen { return false }
        }
        return isOpen
    }

    /// Runs one statement: unnamed when `preparedName` is nil.
    func run(
        _ statement: Statement, _ parameters: Parameters, preparedName: String?
    ) throws(PostgresError) -> ResultOwner {
        try send(statement, parameters, preparedName: preparedName)
        return try receive(statement.name)
    }

    /// Runs a text of any number of statements, which end together: in one transaction unless one is open.
    func runScript(_ script: Statement) throws(PostgresError) -> ResultOwner {
        try open(script.name)
        guard unsafe PQsendQuery(raw, script.text) == 1 else { throw lost(script.name, sent: false) }
        return try receive(script.name)
    }

    /// Prepares a statement under a name ("" is the unnamed one) on this connection.
    func prepare(_ statement: Statement, name: String) throws(PostgresError) {
        try open(statement.name)
        guard unsafe PQsendPrepare(raw, name, statement.text, 0, nil) == 1 else {
            throw lost(statement.name, sent: false)
        }
        _ = try receive(statement.name)
    }

    private func open(_ statement: String) throws(PostgresError) {
        guard unsafe raw != nil else {
            throw annotated(PostgresError(.misuse, "the connection is closed"), statement)
        }
    }

    private func send(
        _ statement: Statement, _ parameters: Parameters, preparedName: String?
    ) throws(PostgresError) {
        try open(statement.name)
        let values = parameters.values
        let lengths = values.map { Int32($0.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: values.count)
        // One block holds every value; a pointer into it is given for each. The extra byte makes the block's address
        // valid when all values are empty: a null pointer would mean NULL.
        let block = Array(values.compactMap(\.bytes).joined()) + [0]
        let sent = unsafe block.withUnsafeBytes { block in
            var (pointers, offset) = unsafe ([UnsafePointer<CChar>?](), 0)
            for value in values {
                let start = unsafe block.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self)
                unsafe pointers.append(value.bytes == nil ? nil : start)
                offset += value.bytes?.count ?? 0
            }
            if let preparedName {
                return unsafe PQsendQueryPrepared(
                    raw, preparedName, Int32(values.count), pointers, lengths, formats, 1)
            }
            return unsafe PQsendQueryParams(
                raw, statement.text, Int32(values.count), values.map(\.type.oid), pointers, lengths, formats, 1)
        }
        guard sent == 1 else { throw lost(statement.name, sent: false) }
    }

    /// Waits for the results of what was sent; the first error, or else the last result, stands for all.
    func receive(_ statement: String) throws(PostgresError) -> ResultOwner {
        var (last, failure) = (ResultOwner?.none, PostgresError?.none)
        while let raw = unsafe try next(statement) {
            let result = unsafe ResultOwner(raw, statement: statement)
            switch unsafe PQresultStatus(raw) {
            case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
                if failure == nil { failure = unsafe refusal(raw, statement) }
            case PGRES_COPY_IN:
                return result
            default:
                last = result
            }
        }
        if let failure { throw failure }
        guard let last else { throw lost(statement, sent: true) }
        return last
    }

    /// The next result of what was sent, nil after the last.
    private func next(_ statement: String) throws(PostgresError) -> OpaquePointer? {
        try flush(statement)
        while unsafe PQisBusy(raw) == 1 {
            guard isReady(POLLIN, within: replyTimeout) else { throw silent(statement) }
            guard unsafe PQconsumeInput(raw) == 1 else { throw lost(statement, sent: true) }
        }
        return unsafe PQgetResult(raw)
    }

    /// Hands to the kernel what libpq still holds, reading meanwhile so that neither side waits for the other.
    private func flush(_ statement: String) throws(PostgresError) {
        while true {
            let state = unsafe PQflush(raw)
            if state == 0 { return }
            guard state == 1 else { throw lost(statement, sent: true) }
            guard isReady(POLLIN | POLLOUT, within: replyTimeout) else { throw silent(statement) }
            guard unsafe PQconsumeInput(raw) == 1 else { throw lost(statement, sent: true) }
        }
    }

    /// Waits until the socket can be read or written; false when it stayed silent.
    private func isReady(_ events: Int32, within limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        while true {
            let left = max(.zero, end - .now)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            var descriptor = unsafe pollfd(fd: PQsocket(raw), events: Int16(events), revents: 0)
            let status = unsafe poll(&descriptor, 1, Int32(clamping: milliseconds))
            if status >= 0 { return status > 0 }
            // An interrupted wait goes on; any other failure is found by the read or write that follows.
            if errno != EINTR { return true }
        }
    }
}

/// Sending data for `COPY … FROM STDIN`.
extension Wire {
    /// Sends a part of the data.
    func putCopyData(_ bytes: [UInt8], _ statement: String) throws(PostgresError) {
        while true {
            let state = unsafe bytes.withUnsafeBytes { bytes in
                unsafe PQputCopyData(
                    raw, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
            }
            switch state {
            case 1: return
            case 0: try flush(statement)
            default: throw lost(statement, sent: true)
            }
        }
    }

    /// Ends the data; with a reason the server undoes the statement.
    func putCopyEnd(giveUpBecause reason: String?, _ statement: String) throws(PostgresError) {
        while true {
            switch unsafe PQputCopyEnd(raw, reason) {
            case 1: return
            case 0: try flush(statement)
            default: throw lost(statement, sent: true)
            }
        }
    }
}

/// Errors.
extension Wire {
    private func annotated(_ error: PostgresError, _ statement: String) -> PostgresError {
        var error = error
        error.statement = statement
        error.server = server
        return error
    }

    /// The connection failed under a statement; if it was sent, its effect may stand.
    private func lost(_ statement: String, sent: Bool) -> PostgresError {
        let said = unsafe ConnectionString.oneLine(String(cString: PQerrorMessage(raw)))
        var error = annotated(PostgresError(.connectionLost, said.isEmpty ? "the connection broke" : said), statement)
        error.mayHaveCommitted = sent
        return error
    }

    private func silent(_ statement: String) -> PostgresError {
        let seconds = replyTimeout.components.seconds
        var error = annotated(PostgresError(.connectionLost, "no answer within \(seconds) s"), statement)
        error.mayHaveCommitted = true
        return error
    }

    /// What the server said, or, when the connection broke, what libpq made up in its place.
    private func refusal(_ result: OpaquePointer, _ statement: String) -> PostgresError {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = unsafe PQresultErrorField(result, Int32(ascii)) else {
                return nil
            }
            return unsafe String(cString: text)
        }
        guard let state = field("C").map(SQLState.init(_:)) else { return lost(statement, sent: true) }
        // When the server ends the session (57P01 and kin), the statement was undone and the connection is of no use.
        var error = annotated(PostgresError(.statement, field("M") ?? "no message"), statement)
        error.sqlState = state
        error.detail = field("D")
        error.hint = field("H")
        error.constraint = field("n")
        return error
    }
}
