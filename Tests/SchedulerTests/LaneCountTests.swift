import Scheduler
import Testing

/// How many lanes there are for the workers.
@Suite struct LaneCountTests {
    @Test("too few lanes for a minute are raised to the next power of two, and not again")
    func raises() {
        var count = LaneCount()
        for second in 0..<60 { #expect(count.raised(lanes: 16, live: 5, perWorker: 8, at: Double(second)) == nil) }
        #expect(count.raised(lanes: 16, live: 5, perWorker: 8, at: 60) == 64)
        for second in 61..<400 {
            #expect(count.raised(lanes: 64, live: 5, perWorker: 8, at: Double(second)) == nil)
        }
    }

    @Test("half as many as there should be are enough, and a setting of none leaves them alone")
    func enough() {
        var count = LaneCount()
        for second in 0..<300 {
            #expect(count.raised(lanes: 16, live: 4, perWorker: 8, at: Double(second)) == nil)
            #expect(count.raised(lanes: 16, live: 400, perWorker: 0, at: Double(second)) == nil)
        }
    }

    @Test("workers that come and go within the minute do not count")
    func visitors() {
        var count = LaneCount()
        for second in 0..<600 {
            let live = second % 50 < 40 ? 100 : 2
            #expect(count.raised(lanes: 16, live: live, perWorker: 8, at: Double(second)) == nil)
        }
        var some = LaneCount()
        var raised: [Int] = []
        for second in 0...60 {
            let live = second == 30 ? 6 : 100
            if let to = some.raised(lanes: 16, live: live, perWorker: 8, at: Double(second)) { raised.append(to) }
        }
        #expect(raised == [64], "as the six of the thirtieth second need")
    }

    @Test(
        "whatever the fleet, lanes only rise, at most twice what they should be, and never past the most there can be")
    func bounds() {
        for live in [1, 2, 3, 7, 64, 1000, 9000, 20_000, 1_000_000] {
            var (count, lanes) = (LaneCount(), 16)
            for second in 0..<300 {
                guard let to = count.raised(lanes: lanes, live: live, perWorker: 8, at: Double(second)) else {
                    continue
                }
                #expect(to > lanes && to <= LaneCount.most && to < 16 * live)
                lanes = to
            }
            #expect(2 * lanes >= min(8 * live, 2 * LaneCount.most) || lanes == LaneCount.most)
        }
    }
}
