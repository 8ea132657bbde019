import Foundation

/// Runs a blocking call, such as starting a server, on a thread of its own: the pool that tasks run on has one thread a
/// core, and none to spare.
func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
    }
}
