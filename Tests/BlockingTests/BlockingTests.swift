import Blocking
import Dispatch
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct BlockingTests {
    @Test("actors on queues of their own block side by side")
    func actorsBlockSideBySide() async {
        // Each actor blocks until all sixteen do: on the cooperative pool of two threads they would never meet.
        let meeting = Meeting()
        let met = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 { group.addTask { await Sleeper().meets(16, at: meeting) } }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(met)
    }

    @Test("an actor's code runs on its queue, and other code is told apart")
    func isolationIsChecked() async {
        let sleeper = Sleeper()
        #expect(await sleeper.assumesIsolation())
        await #expect(processExitsWith: .failure) {
            SerialQueueExecutor(label: "attune.test").checkIsolated()
        }
    }

    @Test("every closure runs once, on a lane of its own")
    func lanesRunOneClosureAtATime() async throws {
        let threads = ComputeThreads(count: 3)
        let busy = (0..<3).map { _ in Flag() }
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for value in 0..<300 {
                group.addTask {
                    try await threads.run { lane in
                        #expect(!busy[lane].exchange(true))
                        defer { busy[lane].exchange(false) }
                        return value
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 299 * 300 / 2)
    }

    @Test("what the closure throws reaches the caller")
    func errorsReachTheCaller() async {
        let threads = ComputeThreads(count: 1)
        await #expect(throws: Refused.self) { try await threads.run { _ in throw Refused() } }
    }

    @Test("work cancelled while it waits never starts")
    func cancelledWorkNeverStarts() async throws {
        let threads = ComputeThreads(count: 1)
        let (release, started) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let first = Task {
            try await threads.run { _ in
                started.signal()
                release.wait()
            }
        }
        await Sleeper().wait(for: started)
        let second = Task { try await threads.run { _ in Issue.record("cancelled work ran") } }
        second.cancel()
        release.signal()
        try await first.value
        await #expect(throws: CancellationError.self) { try await second.value }
    }
}

private struct Refused: Error {}

private final class Flag: Sendable {
    private let value = Mutex(false)
    @discardableResult func exchange(_ new: Bool) -> Bool {
        value.withLock { old in
            defer { old = new }
            return old
        }
    }
}

private actor Sleeper {
    private let executor = SerialQueueExecutor(label: "attune.test.sleeper")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Blocks until as many have come; false when they do not within 30 s.
    func meets(_ count: Int, at meeting: Meeting) -> Bool {
        meeting.arrived.withLock { $0 += 1 }
        for _ in 0..<3000 {
            if meeting.arrived.withLock({ $0 }) == count { return true }
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(10))
        }
        return false
    }

    func wait(for semaphore: DispatchSemaphore) { semaphore.wait() }

    func assumesIsolation() -> Bool { self.assumeIsolated { _ in true } }
}

private final class Meeting: Sendable {
    let arrived = Mutex(0)
}
