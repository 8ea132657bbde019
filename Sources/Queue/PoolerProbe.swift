public import Postgres
import Schema

/// Finds out whether something stands between this process and the server, and whether a session lasts through it.
///
/// A pooler answers with a process id of its own, so it shows on a single connection. In transaction mode a session's
/// settings, and with them its locks, go to whoever is served next: of two connections that each leave a mark, one then
/// finds the other's.
public struct PoolerProbe: Sendable {
    /// What was found.
    public enum Finding: String, Sendable {
        /// No pooler.
        case direct
        /// A pooler or proxy that keeps a session to its connection.
        case keepsSessions
        /// A pooler in transaction or statement mode.
        case sharesSessions
    }

    private let conninfo: String
    private let options: ConnectionOptions

    /// Probes what this connection string leads to.
    public init(_ conninfo: String, options: ConnectionOptions = ConnectionOptions()) {
        self.conninfo = conninfo
        self.options = options
    }

    /// Opens two connections, looks, and closes them. Throws `PostgresError` when they cannot be had.
    public func run() async throws -> Finding {
        let first = try await Connection.open(conninfo, options: options)
        do {
            let second = try await Connection.open(conninfo, options: options)
            do {
                let finding = try await compare(first, second)
                await second.close()
                await first.close()
                return finding
            } catch {
                await second.close()
                throw error
            }
        } catch {
            await first.close()
            throw error
        }
    }

    private func compare(_ first: Connection, _ second: Connection) async throws -> Finding {
        let (own, other) = ("\(first.processID)-1", "\(second.processID)-2")
        for _ in 0..<3 {
            try await first.execute(Statement(SQL.Queries.markSession), [.text(own)])
            try await second.execute(Statement(SQL.Queries.markSession), [.text(other)])
            let row = try await first.execute(Statement(SQL.Queries.sessionMark)).one()
            if try row.decode(0, as: String?.self) != own { return .sharesSessions }
        }
        let process: Int32 = try await first.execute(Statement(SQL.Queries.sessionMark)).one().decode(1)
        return process == first.processID ? .direct : .keepsSessions
    }
}

extension HealthReadings.Reading {
    /// What a probe of the scheduler's direct connection says; nil when all is well.
    public init?(_ finding: PoolerProbe.Finding) {
        guard finding == .sharesSessions else { return nil }
        self.init(
            name: "pooler", measured: 1,
            what: "the scheduler's connection goes through a pooler in transaction mode",
            ifLeft: "the lock that elects the leader does not hold: two may lead in turns, and neither for long",
            helps: "give attune scheduler a DSN of the server itself; workers and services may keep the pooler")
    }
}
