import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): a seeded stream whose values are the same on every machine.
///
/// One stream per (user, revision, purpose): a retried job draws the same numbers.
public struct RandomSource: RandomNumberGenerator, Sendable, Equatable {
    /// Where the stream stands: a source seeded with it goes on as this one does.
    public private(set) var state: UInt64

    /// A stream of its own for each seed.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in `0..<bound`; `bound > 0`. The bias of the multiply-shift is below `bound / 2^64`.
    public mutating func index(below bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// Standard normal by Box and Muller (1958).
    public mutating func normal() -> Double {
        let radius = (-2 * Foundation.log(1 - uniform())).squareRoot()
        return radius * Foundation.cos(2 * Double.pi * uniform())
    }

    /// A random permutation of `0..<count` (Fisher and Yates).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, index(below: last + 1)) }
        return order
    }
}
