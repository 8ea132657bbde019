import Queue
import Testing

@Suite struct RetryPolicyTests {
    @Test("without jitter the delay doubles up to the longest, then there is none")
    func doubles() {
        let policy = RetryPolicy(maximumTries: 6, firstDelaySeconds: 2, longestDelaySeconds: 10, jitter: 0)
        let delays = (1...6).map { policy.delaySeconds(afterFailures: $0, seed: 1) }
        #expect(delays == [2, 4, 8, 10, 10, nil])
    }

    @Test("jitter takes off up to its share, differs between seeds, and is the same for the same seed")
    func jitter() {
        let policy = RetryPolicy(firstDelaySeconds: 8, longestDelaySeconds: 8, jitter: 0.5)
        let delays = (0..<200).compactMap { policy.delaySeconds(afterFailures: 1, seed: $0) }
        #expect(delays.allSatisfy { (4...8).contains($0) })
        #expect(Set(delays).count == 200)
        #expect(delays.reduce(0, +) / 200 > 5.5 && delays.reduce(0, +) / 200 < 6.5)
        #expect(delays == (0..<200).compactMap { policy.delaySeconds(afterFailures: 1, seed: $0) })
    }

    @Test("a huge number of failures does not overflow")
    func large() {
        let policy = RetryPolicy(maximumTries: .max, jitter: 0)
        #expect(policy.delaySeconds(afterFailures: 1_000_000, seed: 1) == policy.longestDelaySeconds)
    }
}
