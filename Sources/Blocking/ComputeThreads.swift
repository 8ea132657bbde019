/// A fixed number of dedicated threads for work that keeps a core busy, such as matrix products.
///
/// Work is taken in the order it was given. The threads belong to nobody else: a long product delays no other task, and
/// a closure may keep one workspace per lane, because a lane runs one closure at a time.
public final class ComputeThreads: Sendable {
    /// The number of threads.
    public let count: Int
    private let work = WorkList()

    /// Starts `count` (at least 1) threads.
    public init(count: Int) {
        precondition(count >= 1, "at least one compute thread")
        self.count = count
        for lane in 0..<count {
            BlockingThread.start { [work] in
                while let item = work.next() { item.perform(lane) }
            }
        }
    }

    deinit { work.end(threads: count) }

    /// Runs `body` on one of the threads and returns what it returns; `lane` (0 to `count` - 1) says which thread runs
    /// it.
    ///
    /// - Throws: what `body` throws, or `CancellationError` when the task is cancelled before `body` starts. Work that
    ///   has started runs to its end.
    public func run<Result: Sendable>(
        _ body: @escaping @Sendable (_ lane: Int) throws -> Result
    ) async throws -> Result {
        let item = WorkItem()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                item.fill { lane, isCancelled in
                    continuation.resume(
                        with: Swift.Result {
                            if isCancelled { throw CancellationError() }
                            return try body(lane)
                        })
                }
                work.append(item)
            }
        } onCancel: {
            item.cancel()
        }
    }
}
