import Campaigns
import Foundation
import Testing

@Suite struct NonInferiorityTests {
    private let rule = NonInferiority(margin: 0.02, errorRate: 0.05)

    /// Normal draws by Box and Muller from a seeded generator.
    private struct Normal {
        var state: UInt64
        mutating func uniform() -> Double {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
        }
        mutating func next() -> Double {
            (-2 * log(max(uniform(), 1e-300))).squareRoot() * cos(2 * Double.pi * uniform())
        }
    }

    /// Judges users one after another, looking after each, and returns the first verdict that stands.
    private func firstVerdict(users: Int, _ draw: () -> Double) -> WaveVerdict {
        var (sum, squares) = (0.0, 0.0)
        for count in 1...users {
            let difference = draw()
            sum += difference
            squares += difference * difference
            let mean = sum / Double(count)
            let deviation =
                count > 1 ? max(0, (squares - Double(count) * mean * mean) / Double(count - 1)).squareRoot() : 0
            let verdict = rule.verdict(
                WaveEvidence(users: count, mean: mean, deviation: deviation), isComplete: count == users)
            if verdict != .watching { return verdict }
        }
        return .undecided
    }

    @Test("the interval is the normal-mixture sequence at a worked example, and none is given for a few users")
    func interval() throws {
        // rho^2 = (5.99146 + log(5.99146) + 1) / 300 = 0.0292720; n rho^2 + 1 = 12.70878 at n = 400;
        // radius = 0.1 sqrt(2 * 12.70878 / (160000 * 0.0292720) * log(3.564938 / 0.05)) = 0.0152178.
        let interval = try #require(rule.interval(WaveEvidence(users: 400, mean: 0.001, deviation: 0.1)))
        #expect(abs(interval.upperBound - 0.001 - 0.0152178) < 1e-5)
        #expect(abs(interval.lowerBound - 0.001 + 0.0152178) < 1e-5)
        #expect(rule.interval(WaveEvidence(users: 29, mean: 0, deviation: 0.1)) == nil)
        #expect(rule.interval(WaveEvidence(users: 100, mean: .nan, deviation: 0.1)) == nil)
    }

    @Test("the interval narrows with users")
    func narrows() throws {
        var last = Double.infinity
        for users in stride(from: 30, to: 5000, by: 70) {
            let interval = try #require(rule.interval(WaveEvidence(users: users, mean: 0, deviation: 0.2)))
            #expect(interval.upperBound < last)
            last = interval.upperBound
        }
    }

    @Test(
        "looked at after every user, a base that is as good pauses no campaign, and one at the margin passes or fails rarely",
        arguments: [UInt64(1), 2, 3])
    func falsePauses(seed: UInt64) {
        var random = Normal(state: seed)
        let campaigns = 400
        var (falsePauses, falsePasses, passes) = (0, 0, 0)
        for _ in 0..<campaigns {
            let good = firstVerdict(users: 1000) { 0.1 * random.next() }
            if good == .failed { falsePauses += 1 }
            if good == .passed { passes += 1 }
            if firstVerdict(users: 1000, { 0.02 + 0.1 * random.next() }) == .passed { falsePasses += 1 }
        }
        #expect(falsePauses == 0, "seed \(seed): \(falsePauses) of \(campaigns) good campaigns paused")
        #expect(passes > campaigns * 9 / 10, "seed \(seed): \(passes) of \(campaigns) good campaigns passed")
        // The error rate of 0.05 is of both sides together and over all looks.
        #expect(falsePasses <= campaigns / 20, "seed \(seed): \(falsePasses) of \(campaigns) at the margin passed")
    }

    @Test(
        "differences with heavy tails, at the margin, are judged wrongly no more often than the error rate",
        arguments: [UInt64(5)])
    func heavyTails(seed: UInt64) {
        var random = Normal(state: seed)
        let campaigns = 400
        var wrong = 0
        for _ in 0..<campaigns {
            // Laplace: most users differ by little, some by a lot.
            let verdict = firstVerdict(users: 1000) {
                let uniform = random.uniform() - 0.5
                return 0.02 - 0.07 * (uniform < 0 ? -1 : 1) * log(max(1e-12, 1 - 2 * abs(uniform)))
            }
            if verdict == .passed || verdict == .failed { wrong += 1 }
        }
        #expect(wrong <= campaigns / 20, "seed \(seed): \(wrong) of \(campaigns)")
    }

    @Test("a base that is worse by five margins fails within a few hundred users")
    func bad() {
        var random = Normal(state: 9)
        for _ in 0..<50 { #expect(firstVerdict(users: 300) { 0.1 + 0.15 * random.next() } == .failed) }
    }

    @Test("too few users decide nothing until nobody is left")
    func few() {
        let evidence = WaveEvidence(users: 12, mean: -1, deviation: 0.01)
        #expect(rule.verdict(evidence, isComplete: false) == .watching)
        #expect(rule.verdict(evidence, isComplete: true) == .undecided)
    }
}
