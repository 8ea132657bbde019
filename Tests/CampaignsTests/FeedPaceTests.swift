import Campaigns
import Testing

@Suite struct FeedPaceTests {
    /// Feeds a simulated campaign, whose workers end `speed` jobs a second, every `tick` seconds.
    private func simulate(
        speed: Double, seconds: Int, tick: Double = 1, rateLimit: Double? = nil, workers: Int = 2
    ) -> (ended: Double, mostAhead: Double, idleSeconds: Double) {
        var pace = FeedPace()
        var (ahead, ended, most, idle) = (0.0, 0.0, 0.0, 0.0)
        for step in 0..<Int(Double(seconds) / tick) {
            pace.note(
                ended: Int64(ended), ahead: Int64(ahead.rounded(.up)), workers: workers, rateLimit: rateLimit,
                at: Double(step) * tick)
            let fed = pace.room(ahead: Int64(ahead.rounded(.up)))
            pace.spend(fed)
            ahead += Double(fed)
            most = max(most, ahead)
            let done = min(ahead, speed * tick)
            idle += tick - done / speed
            ahead -= done
            ended += done
        }
        return (ended, most, idle)
    }

    @Test(
        "workers are kept busy after a start of some ticks, and no more than about two seconds wait",
        arguments: [
            300.0, 2000, 5000, 20_000,
        ])
    func keepsUp(speed: Double) {
        let run = simulate(speed: speed, seconds: 120)
        #expect(run.idleSeconds < 12, "idle for \(run.idleSeconds) s at \(speed)/s")
        #expect(run.mostAhead <= max(400, 3.1 * speed), "\(run.mostAhead) ahead at \(speed)/s")
        #expect(run.ended > 108 * speed)
    }

    @Test("a rate limit holds over any stretch")
    func limit() {
        let run = simulate(speed: 5000, seconds: 100, rateLimit: 50)
        #expect(run.ended <= 50 * 101 && run.ended > 50 * 95, "\(run.ended)")
        #expect(run.mostAhead <= 101)
    }

    @Test("workers that stop are not fed more than what was ahead")
    func stall() {
        var pace = FeedPace()
        pace.note(ended: 0, ahead: 0, workers: 2, rateLimit: nil, at: 0)
        pace.note(ended: 4000, ahead: 100, workers: 2, rateLimit: nil, at: 1)
        var ahead: Int64 = 100
        for second in 2..<60 {
            ahead += Int64(pace.room(ahead: ahead))
            pace.note(ended: 4000, ahead: ahead, workers: 2, rateLimit: nil, at: Double(second))
        }
        #expect(ahead <= 8000)
        #expect(pace.target == 400, "two chunks a worker may always wait")
    }
}
