import Blocking
public import Problem
import Synchronization

/// Performs HTTP exchanges over a bounded pool of libcurl handles, each with its own thread and kept connections.
///
/// The handle used last is used first, so that few connections carry a light load. When all are in use, exchanges
/// wait their turn in the order they came.
public final class TransferPool: HTTPExchanging {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<TransferHandle?, Never>
    }

    private struct State {
        var idle: [TransferHandle] = []
        var made = 0
        var waiters: [Waiter] = []
        var nextID: UInt64 = 0
    }

    private let settings: TransferSettings
    private let state = Mutex(State())

    /// Makes a pool; connections are opened when first needed. Throws ``Problem`` `bad_setting`.
    public init(_ settings: TransferSettings = TransferSettings()) throws(Problem) {
        try settings.validate()
        self.settings = settings
    }

    /// Sends the request and returns the complete response, whatever its status; suspends, never blocks the caller.
    ///
    /// A cancelled task gets `.cancelled`, at once while it waits for a handle, within a second while bytes are on
    /// their way; whether the server acted on the request is then unknown.
    public func exchange(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse {
        guard let handle = await borrow() else {
            throw TransferError(.cancelled, origin: request.origin, "cancelled before a connection was free.")
        }
        defer { giveBack(handle) }
        let cancellation = CancellationFlag()
        return try await withTaskCancellationHandler {
            await handle.perform(request, settings, cancellation)
        } onCancel: {
            cancellation.set()
        }.get()
    }

    /// A handle of its own for the caller; nil when the task was cancelled first.
    private func borrow() async -> TransferHandle? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: TransferHandle?? = state.withLock { state in
                    // The flag is set before the handler below runs: either it is seen here, or the handler finds
                    // the waiter.
                    if Task.isCancelled { return .some(nil) }
                    if let handle = state.idle.popLast() { return handle }
                    if state.made < settings.concurrency {
                        state.made += 1
                        return TransferHandle(number: state.made)
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: nil)
        }
    }

    private func giveBack(_ handle: TransferHandle) {
        let waiter: Waiter? = state.withLock { state in
            if !state.waiters.isEmpty { return state.waiters.removeFirst() }
            state.idle.append(handle)
            return nil
        }
        waiter?.continuation.resume(returning: handle)
    }
}

/// One libcurl handle on one serial queue: the actor may block, and the handle is used by one exchange at a time.
actor TransferHandle {
    private let executor: SerialQueueExecutor
    private var handle = EasyHandle()

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(number: Int) { executor = SerialQueueExecutor(label: "attune.transfer-\(number)") }

    func perform(
        _ request: HTTPRequest, _ settings: TransferSettings, _ cancellation: CancellationFlag
    ) -> Result<HTTPResponse, TransferError> {
        do throws(TransferError) {
            return .success(try handle.perform(request, settings, cancellation))
        } catch {
            return .failure(error)
        }
    }
}
