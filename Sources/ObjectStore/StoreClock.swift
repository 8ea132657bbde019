import Foundation

/// What a store needs of time and chance; tests pass their own.
public struct StoreClock: Sendable {
    /// Seconds since 1970, for signatures and for how long tries have taken.
    public var now: @Sendable () -> Double
    /// Waits that many seconds; throws `CancellationError` when the task is cancelled.
    public var sleep: @Sendable (Double) async throws -> Void
    /// A number in 0..<1 for the jitter of waits.
    public var random: @Sendable () -> Double

    /// Makes a clock.
    public init(
        now: @escaping @Sendable () -> Double, sleep: @escaping @Sendable (Double) async throws -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.random = random
    }

    /// This machine's.
    public static let system = StoreClock(
        now: { Date().timeIntervalSince1970 },
        sleep: { try await Task.sleep(for: .seconds($0)) },
        random: { .random(in: 0..<1) })
}
