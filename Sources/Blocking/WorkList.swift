import Dispatch
import Synchronization

/// Closures waiting for a thread, first in, first out.
final class WorkList: Sendable {
    private let waiting = Mutex<[WorkItem?]>([])
    private let available = DispatchSemaphore(value: 0)

    func append(_ item: WorkItem) {
        waiting.withLock { $0.append(item) }
        available.signal()
    }

    /// Lets `threads` threads end once what was appended before has run.
    func end(threads: Int) {
        waiting.withLock { $0.append(contentsOf: Array(repeating: nil, count: threads)) }
        for _ in 0..<threads { available.signal() }
    }

    /// Blocks until there is work; nil tells the calling thread to end.
    func next() -> WorkItem? {
        available.wait()
        return waiting.withLock { $0.removeFirst() }
    }
}

/// One closure to run, and whether its task was cancelled while it waited.
final class WorkItem: Sendable {
    typealias Body = @Sendable (_ lane: Int, _ isCancelled: Bool) -> Void
    private let state = Mutex<(body: Body?, isCancelled: Bool)>((nil, false))

    /// Gives the item its work; once, before it is appended.
    func fill(_ body: @escaping Body) { state.withLock { $0.body = body } }

    func cancel() { state.withLock { $0.isCancelled = true } }

    func perform(_ lane: Int) {
        let (body, isCancelled) = state.withLock { $0 }
        body?(lane, isCancelled)
    }
}
