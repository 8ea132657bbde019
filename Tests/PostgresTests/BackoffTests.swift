import Postgres
import Testing

@Suite struct BackoffTests {
    @Test("delays double up to the limit, and the tries end")
    func doubling() {
        var random = SystemRandomNumberGenerator()
        let backoff = Backoff(tries: 6, firstDelaySeconds: 1, longestDelaySeconds: 5, jitter: 0)
        let delays = (1...6).map { backoff.delaySeconds(afterFailures: $0, random: &random) }
        #expect(delays == [1, 2, 4, 5, 5, nil])
    }

    @Test("jitter only shortens a delay, by at most its share")
    func jitter() {
        var random = SystemRandomNumberGenerator()
        let backoff = Backoff(tries: 2, firstDelaySeconds: 8, longestDelaySeconds: 8, jitter: 0.25)
        for _ in 0..<1000 {
            let delay = backoff.delaySeconds(afterFailures: 1, random: &random) ?? 0
            #expect(delay > 6 && delay <= 8)
        }
    }

    @Test("many failures do not overflow")
    func manyFailures() {
        var random = SystemRandomNumberGenerator()
        let backoff = Backoff(tries: .max, firstDelaySeconds: 0.1, longestDelaySeconds: 30, jitter: 0)
        #expect(backoff.delaySeconds(afterFailures: 1_000_000, random: &random) == 30)
    }

    @Test("connecting is tried for about a minute")
    func connecting() {
        var random = SystemRandomNumberGenerator()
        var backoff = Backoff.connecting
        backoff.jitter = 0
        let total = (1..<backoff.tries).compactMap { backoff.delaySeconds(afterFailures: $0, random: &random) }.reduce(
            0, +)
        #expect(total > 45 && total < 75)
    }
}
