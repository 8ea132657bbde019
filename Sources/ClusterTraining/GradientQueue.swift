package import Queue

/// What ``ClusterGradients`` needs of the queue; ``MetaRunQueue`` is it.
package protocol GradientQueue: Sendable {
    /// Begins a run of a tenant, or goes on with one and says that it lives.
    func begin(tenant: String, run: Int64?) async throws -> (run: Int64, keyPrefix: String)
    /// Asks for gradients, one job a payload; returns the jobs in order.
    func enqueue(run: Int64, payloads: [[UInt8]], costMilliseconds: Float) async throws -> [Int64]
    /// Those of the jobs that have ended.
    func ended(_ jobs: [Int64]) async throws -> [MetaRunQueue.Ended]
    /// Cancels a job that nobody waits for any more.
    func cancel(_ job: Int64) async throws
    /// Ends a run.
    func end(run: Int64) async throws
}

extension MetaRunQueue: GradientQueue {}
