import Queue
import Testing
import Worker

@Suite struct StatisticsLedgerTests {
    private func one(_ ending: WorkStatistics.Ending) -> WorkStatistics {
        var (statistics, line) = (WorkStatistics(), WorkStatistics.Line())
        line.jobs = 1
        statistics.add(line, .init(tenantID: 1, flowID: 1, kind: "adapt", ending: ending))
        return statistics
    }

    @Test("what was not confirmed is sent again as it was, and what came meanwhile goes after it")
    func repeats() throws {
        let ledger = StatisticsLedger()
        #expect(ledger.report(workerID: 7) == nil)
        ledger.add(one(.completed))
        let first = try #require(ledger.report(workerID: 7))
        ledger.add(one(.kept))
        #expect(ledger.report(workerID: 8) == first)
        ledger.confirm(first)
        let second = try #require(ledger.report(workerID: 8))
        #expect(second.workerID == 8 && second.beat == first.beat + 1)
        #expect(second.statistics == one(.kept) && first.statistics == one(.completed))
        ledger.confirm(first)
        #expect(ledger.report(workerID: 8) == second)
        ledger.confirm(second)
        #expect(ledger.report(workerID: 8) == nil)
    }
}
