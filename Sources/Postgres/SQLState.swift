/// The five characters by which PostgreSQL names what went wrong (its documentation, appendix A).
public struct SQLState: Sendable, Hashable, CustomStringConvertible {
    /// For example `40001`.
    public let description: String

    /// Takes the code as the server sent it.
    public init(_ code: String) { description = code }

    /// Another transaction committed first; the same transaction may succeed when it is run again.
    public static let serializationFailure = SQLState("40001")
    /// Two transactions waited for each other and this one was chosen to end.
    public static let deadlockDetected = SQLState("40P01")
    /// A statement timeout, or a cancel request.
    public static let queryCanceled = SQLState("57014")
    /// A lock was not to be had within `lock_timeout`.
    public static let lockNotAvailable = SQLState("55P03")
    /// A row with the same key is there.
    public static let uniqueViolation = SQLState("23505")
    /// The role may not do this.
    public static let insufficientPrivilege = SQLState("42501")
    /// The database of the connection does not exist.
    public static let invalidCatalogName = SQLState("3D000")
    /// The table or view does not exist.
    public static let undefinedTable = SQLState("42P01")
    /// Something in the way of the statement is in use.
    public static let objectInUse = SQLState("55006")
    /// The server's disk is full.
    public static let diskFull = SQLState("53100")

    /// Whether the same statement may succeed later with nothing changed by a person: lost connections (08), ended
    /// transactions (40), a server that restarts or has fallen back to standby (57P, 25006), resources that run short
    /// (53), locks (55P03) and timeouts (57014).
    public var isRetryable: Bool {
        switch description {
        case "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "25006": true
        default: description.hasPrefix("08") || description.hasPrefix("53")
        }
    }

    /// Whether the transaction was undone by the server for a reason that goes away by running all of it again.
    public var undoneByConcurrency: Bool { self == .serializationFailure || self == .deadlockDetected }

    /// Whether a function of schema `attune` raised it, on purpose and in words for people: class AT, which the standard
    /// leaves to applications.
    public var isRaisedByAttune: Bool { description.hasPrefix("AT") }

    /// Whether a connection is refused for a reason that only a person can remove: credentials (28), the database's
    /// name, or the right to connect.
    var refusesConnection: Bool {
        description.hasPrefix("28") || self == .invalidCatalogName || self == .insufficientPrivilege
    }
}
