import Dispatch

/// Runs an actor on a serial queue of its own, so that the actor may block.
///
/// Blocking on Swift's cooperative pool starves every other task: eight half-second waits on two cores took 2.0 s there
/// and 0.5 s on queues of their own. An actor that wraps a blocking C library stores one of these and returns it:
///
/// ```swift
/// actor Session {
///     private let executor = SerialQueueExecutor(label: "attune.session")
///     nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }
/// }
/// ```
public final class SerialQueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    /// Makes the queue; `label` is what debuggers and profilers show for its thread.
    public init(label: String) { queue = DispatchQueue(label: label) }

    /// Takes one of the actor's jobs and runs it in turn.
    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        queue.async { unsafe unowned.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Runs `work` in turn with the actor's jobs and returns at once.
    public func async(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    /// The reference an actor hands out as its `unownedExecutor`; valid while this object lives.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

    /// Traps when the caller does not run on this queue; `assumeIsolated` relies on it.
    public func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
