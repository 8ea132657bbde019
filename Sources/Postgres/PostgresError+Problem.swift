public import Problem

extension PostgresError: ProblemConvertible {
    /// The error as the person who can act on it reads it.
    public var problem: Problem {
        let place = server ?? statement ?? "database"
        switch code {
        case .unreachable:
            let effort = tries.map {
                ", \($0.count) \($0.count == 1 ? "try" : "tries") in \(Int($0.seconds.rounded())) s"
            }
            return retryable(
                "database_unreachable", at: place, message + (effort ?? "") + ".",
                do: "start PostgreSQL or correct PGHOST and PGPORT.")
        case .connectionLost, .commitUnknown:
            return retryable(
                "database_connection_lost", at: place, message + ".",
                do: "nothing: what was under way is looked up or run again; if it lasts, look at the server's log.")
        case .poolExhausted:
            return retryable(
                "database_pool_exhausted", at: place, message + ".",
                do: "allow more connections, or look for statements that take long in pg_stat_activity.")
        case .refused where sqlState == .invalidCatalogName:
            return Problem(
                "database_missing", at: place, message + ".", do: "create the database, or correct PGDATABASE.")
        case .refused:
            return Problem(
                "database_denied", at: place, message + ".",
                do: "check user and password (PGUSER, PGPASSWORD or ~/.pgpass) and pg_hba.conf.")
        case .configuration:
            return Problem(
                "database_address", at: place, message + ".", do: "correct the connection string or PG* variables.")
        case .statement: return statementProblem
        case .cancelled:
            return Problem("cancelled", at: place, message + ".", do: "nothing: the statement had no effect.")
        default:
            return Problem(
                "database_defect", at: statement ?? place, message + ".", do: "report this as a defect of Attune.")
        }
    }

    private func retryable(_ errorClass: String, at place: String, _ reason: String, do remedy: String) -> Problem {
        Problem(errorClass, at: place, reason, do: remedy, isRetryable: true)
    }

    /// What the server said about a statement.
    private var statementProblem: Problem {
        let place = statement ?? server ?? "database"
        guard let sqlState else {
            return Problem("database_error", at: place, message + ".", do: "look at the server's log.")
        }
        if sqlState.isRaisedByAttune, let detail { return raisedProblem(errorClass: detail, place) }
        let reason = "\(message) (SQLSTATE \(sqlState))."
        switch sqlState {
        case .insufficientPrivilege:
            return Problem("not_allowed", at: place, reason, do: "connect as a role that may do this.")
        case .diskFull:
            return retryable("disk_full", at: place, reason, do: "free space on the database server's disk.")
        case .undefinedTable:
            return Problem("schema_missing", at: place, reason, do: "attune migrate")
        case let state where state.isRetryable:
            return retryable("database_busy", at: place, reason, do: "nothing: it is tried again.")
        default:
            return Problem(
                "database_error", at: place, reason, do: hint ?? "look at the statement and the server's log.")
        }
    }

    /// What a function of schema `attune` said: MESSAGE is `where: class: why`, DETAIL the class, HINT what helps.
    private func raisedProblem(errorClass: String, _ place: String) -> Problem {
        let remedy = hint ?? "correct the call and repeat it."
        guard let middle = message.firstRange(of: ": \(errorClass): ") else {
            return Problem(errorClass, at: place, message, do: remedy)
        }
        let location = String(message[..<middle.lowerBound])
        return Problem(errorClass, at: location, String(message[middle.upperBound...]), do: remedy)
    }
}
