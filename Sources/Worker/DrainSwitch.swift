import Synchronization

/// Turned once, from a signal handler or by an order of the queue: from then on nothing new is claimed.
public final class DrainSwitch: Sendable {
    private let isOn = Mutex(false)

    /// Not draining.
    public init() {}

    /// Whether it was turned.
    public var isDraining: Bool { isOn.withLock { $0 } }

    /// Turns it; again does nothing.
    public func begin() { isOn.withLock { $0 = true } }

    /// Returns once it is turned; throws when the task is cancelled.
    func wait() async throws {
        while !isDraining { try await Task.sleep(for: .milliseconds(50)) }
    }
}
