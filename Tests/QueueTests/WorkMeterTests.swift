import Queue
import Testing

@Suite struct WorkMeterTests {
    @Test("busy is the time with work in hand, shared out by what the deliveries' stages took")
    func shares() {
        var meter = WorkMeter(at: 10)
        meter.begin(at: 11)
        meter.finish(tenantID: 1, kind: "adapt", estimatedMilliseconds: 100, stageMilliseconds: 300)
        meter.finish(tenantID: 2, kind: "adapt", estimatedMilliseconds: 50, stageMilliseconds: 100)
        meter.finish(tenantID: 1, kind: "adapt", estimatedMilliseconds: 100, stageMilliseconds: 400)
        meter.rest(at: 12)
        meter.begin(at: 13)
        #expect(meter.speed(at: 14) == 0.125)
        let done = meter.report(at: 14)
        #expect(meter.speed(at: 15) == nil)
        #expect(done?.spanMilliseconds == 4000)
        #expect(done?.busyMilliseconds == 2000)
        #expect(done?.shares.map(\.tenantID) == [1, 2])
        #expect(done?.shares.map(\.estimatedMilliseconds) == [200, 50])
        #expect(done?.shares.map(\.tookMilliseconds) == [1750, 250])
    }

    @Test("while nothing has ended there is nothing to tell, and the time goes on counting")
    func longWork() {
        var meter = WorkMeter(at: 0)
        meter.begin(at: 0)
        let early = meter.report(at: 5)
        #expect(early == nil)
        meter.finish(tenantID: 1, kind: "adapt", estimatedMilliseconds: 100, stageMilliseconds: 1)
        let late = meter.report(at: 8)
        #expect(late?.busyMilliseconds == 8000)
        // Still in hand: the next span begins busy.
        meter.finish(tenantID: 1, kind: "adapt", estimatedMilliseconds: 100, stageMilliseconds: 1)
        let next = meter.report(at: 9)
        #expect(next?.busyMilliseconds == 1000)
    }
}

@Suite struct HelpForOthersTests {
    private struct Even: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max / 2 }
    }

    @Test("looks are two seconds apart, and further while they find nothing, up to half a minute")
    func pauses() {
        var help = HelpForOthers(random: Even())
        let atOnce = help.wantsLanes(at: 0)
        #expect(!atOnce)
        var last = 0.0
        var gaps: [Double] = []
        for step in 1...2000 where help.wantsLanes(at: Double(step) / 10) {
            help.note([:])
            gaps.append(Double(step) / 10 - last)
            last = Double(step) / 10
        }
        #expect(gaps.first.map { abs($0 - 2) < 0.2 } == true)
        #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $0 <= $1 + 0.2 })
        #expect(gaps.last.map { $0 > 25 && $0 < 31 } == true)
    }

    @Test("lanes found are claimed from, the smallest mark first, each until it gives nothing")
    func claims() throws {
        var help = HelpForOthers(random: Even())
        help.note([7: LaneMark(sortKey: 5, chunkID: 1), 8: LaneMark(sortKey: 3, chunkID: 1)])
        let wantsMore = help.wantsLanes(at: 100)
        #expect(!wantsMore)
        let first = try #require(help.nextClaim(workerID: 1))
        #expect((first.lane, first.mark.sortKey) == (8, 3))
        var result = ClaimResult(
            chunks: [], endedJobs: 2, mark: LaneMark(sortKey: 9, chunkID: 9), next: nil, horizon: Horizon("0"),
            needsEmptyHands: false)
        help.note(result, of: first)
        let second = try #require(help.nextClaim(workerID: 1))
        #expect(second.lane == 7)
        result.endedJobs = 0
        help.note(result, of: second)
        #expect(help.nextClaim(workerID: 1)?.lane == 8)
        #expect(help.nextClaim(workerID: 1)?.mark == LaneMark(sortKey: 9, chunkID: 9))
    }
}
