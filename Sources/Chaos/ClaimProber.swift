import Postgres
import Problem
import Schema

/// Measures what a claim costs, in a transaction that is undone.
struct ClaimProber {
    /// Ends the transaction without a trace, with what was measured in it.
    private struct Undo: Error { let probe: ClaimProbe }

    let conninfo: String

    /// nil where the database did not answer, or nothing waited that could be claimed.
    func probe(_ moment: String) async throws -> ClaimProbe? {
        do {
            let connection = try await Connection.open(conninfo)
            do {
                try await connection.withTransaction { throw Undo(probe: try await measure($0, moment)) }
            } catch {
                await connection.close()
                throw error
            }
            return nil
        } catch let undo as Undo {
            return undo.probe.jobs > 0 ? undo.probe : nil
        } catch let error as any ProblemConvertible where error.problem.isRetryable {
            return nil
        }
    }

    private func measure(_ connection: Connection, _ moment: String) async throws -> ClaimProbe {
        try await connection.executeScript(Statement(SQL.Chaos.claimProbe))
        let row = try await connection.execute(Statement(SQL.Chaos.runClaimProbe)).one()
        return ClaimProbe(
            moment: moment, waitingChunks: try row.decode(0), endedJobs: try row.decode(1), chunks: try row.decode(2),
            jobs: try row.decode(3), endings: try row.decode(4), followers: try row.decode(5),
            pages: try row.decode(6))
    }
}
