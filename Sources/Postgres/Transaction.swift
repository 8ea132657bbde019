/// What a transaction sees of others' work.
public enum TransactionIsolation: String, Sendable {
    /// Each statement sees what was committed before it began. The default.
    case readCommitted = "READ COMMITTED"
    /// All statements see what was committed before the first.
    case repeatableRead = "REPEATABLE READ"
    /// As if transactions ran one after the other; some end with 40001 and are to be repeated.
    case serializable = "SERIALIZABLE"

    var begin: Statement { Statement(name: "BEGIN", text: "BEGIN ISOLATION LEVEL \(rawValue)") }
}

extension Connection {
    /// Runs `body` in a transaction: committed when it returns, undone when it throws.
    ///
    /// Cancellation of the task undoes it too, except once COMMIT is on its way.
    ///
    /// - Throws: what `body` throws; `commitUnknown` when COMMIT was sent and the connection broke before its reply, so that
    ///   the caller has to look whether the transaction stands; `misuse` when `body` hid the failure of a statement.
    @discardableResult
    public nonisolated func withTransaction<Result>(
        _ isolation: TransactionIsolation = .readCommitted, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        try await execute(isolation.begin)
        let result: Result
        do {
            result = try await body(self)
        } catch {
            await rollBack()
            throw error
        }
        try await commit()
        return result
    }

    private func commit() throws(PostgresError) {
        let result: ResultOwner
        do throws(PostgresError) {
            result = try executeShielded(Statement(name: "COMMIT", text: "COMMIT"))
        } catch {
            // A refusal that leaves the connection open (a deferred constraint) is an answer; a broken connection is none.
            guard error.code == .connectionLost || !isOpen else { throw error }
            var unknown = PostgresError(.commitUnknown, "the reply to COMMIT was lost: \(error.message)")
            (unknown.server, unknown.sqlState, unknown.mayHaveCommitted) = (error.server, error.sqlState, true)
            throw unknown
        }
        // The server answers ROLLBACK to the COMMIT of a transaction in which a statement failed.
        guard result.commandTag == "COMMIT" else {
            throw PostgresError(.misuse, "a statement of the transaction failed unnoticed; nothing was committed")
        }
    }

    /// Undoes the open transaction. If that fails, closing the connection does the same; the error that led here is what
    /// the caller learns.
    private func rollBack() {
        do throws(PostgresError) {
            _ = try executeShielded(Statement(name: "ROLLBACK", text: "ROLLBACK"))
        } catch {
            close()
        }
    }
}
