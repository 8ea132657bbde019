package import Queue
import Synchronization

/// What this worker got done and has not reported yet. A report whose reply was lost is kept as it was and sent again
/// under its number, so that it counts once.
package final class StatisticsLedger: Sendable {
    private struct State {
        var open = WorkStatistics()
        var sent: StatisticsReport?
        var beat: Int64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Counts something for the next report.
    package func add(_ statistics: WorkStatistics) { state.withLock { $0.open.add(statistics) } }

    /// What to send now: the last report while it is not confirmed, else what was counted since; nil when nothing was.
    package func report(workerID: Int64) -> StatisticsReport? {
        state.withLock { state in
            if state.sent == nil, !state.open.isEmpty {
                state.beat += 1
                state.sent = StatisticsReport(workerID: workerID, beat: state.beat, statistics: state.open)
                state.open = WorkStatistics()
            }
            return state.sent
        }
    }

    /// Forgets a report that has arrived.
    package func confirm(_ report: StatisticsReport) {
        state.withLock { if $0.sent?.beat == report.beat { $0.sent = nil } }
    }
}
