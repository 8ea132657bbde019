import Postgres
import Schema

/// A limit that is split among workers, as it stands.
public struct SharedLimit: Sendable, Equatable {
    /// One worker's part.
    public struct Part: Sendable, Equatable {
        /// The worker.
        public var workerID: Int64
        /// Jobs it may hold; nil: no grant, or a limit without `maxRunning`.
        public var slots: Int?
        /// Jobs a second it may claim; nil: no grant, or a limit without a rate.
        public var rate: Double?
        /// Rises with each change; nil: no grant.
        public var generation: Int64?
        /// Whether it must be renewed to be kept.
        public var endsSoon: Bool
        /// Jobs it holds.
        public var held: Int

        /// Makes a part.
        public init(
            workerID: Int64, slots: Int? = nil, rate: Double? = nil, generation: Int64? = nil, endsSoon: Bool = false,
            held: Int = 0
        ) {
            (self.workerID, self.slots, self.rate) = (workerID, slots, rate)
            (self.generation, self.endsSoon, self.held) = (generation, endsSoon, held)
        }
    }

    /// The limit.
    public var limitID: Int32
    /// Jobs that may run; nil: any number.
    public var maxRunning: Int?
    /// Jobs that may be claimed a second; nil: any number.
    public var rate: Double?
    /// Jobs of a full chunk: smaller parts would cut every chunk.
    public var chunkJobs: Int
    /// Who has a part or holds jobs.
    public var parts: [Part]

    /// Makes a limit.
    public init(limitID: Int32, maxRunning: Int?, rate: Double?, chunkJobs: Int, parts: [Part]) {
        (self.limitID, self.maxRunning, self.rate) = (limitID, maxRunning, rate)
        (self.chunkJobs, self.parts) = (chunkJobs, parts)
    }
}

/// A worker's part of a limit, to be written.
public struct LimitGrant: Sendable, Equatable {
    /// The limit.
    public var limitID: Int32
    /// The worker.
    public var workerID: Int64
    /// Jobs it may hold. With neither slots nor rate the grant is taken away.
    public var slots: Int?
    /// Jobs a second it may claim.
    public var rate: Double?
    /// The generation planned with; nil: there was none.
    public var generation: Int64?

    /// Makes a grant.
    public init(limitID: Int32, workerID: Int64, slots: Int?, rate: Double?, generation: Int64?) {
        (self.limitID, self.workerID, self.slots) = (limitID, workerID, slots)
        (self.rate, self.generation) = (rate, generation)
    }
}

extension SchedulerQueue {
    /// Every limit that is split among workers, but for paused ones.
    public func sharedLimits() async throws -> [SharedLimit] {
        var limits: [SharedLimit] = []
        for row in try await pool.execute(Statement(SQL.Queries.limitParts)) {
            let id: Int32 = try row.decode("limit_id")
            if limits.last?.limitID != id {
                limits.append(
                    SharedLimit(
                        limitID: id, maxRunning: try row.decode("max_running", as: Int32?.self).map(Int.init),
                        rate: try row.decode("rate", as: Float?.self).map(Double.init),
                        chunkJobs: try row.decode("chunk_jobs"), parts: []))
            }
            guard let worker = try row.decode("worker_id", as: Int64?.self) else { continue }
            limits[limits.count - 1].parts.append(
                SharedLimit.Part(
                    workerID: worker, slots: try row.decode("slots", as: Int32?.self).map(Int.init),
                    rate: try row.decode("granted_rate", as: Float?.self).map(Double.init),
                    generation: try row.decode("generation"), endsSoon: try row.decode("ends_soon"),
                    held: try row.decode("held")))
        }
        return limits
    }

    /// Writes grants where they are still as planned with; returns how many that were.
    @discardableResult
    public func grant(_ grants: [LimitGrant], epoch: Int64) async throws -> Int {
        try await pool.execute(
            Statement(SQL.Queries.setGrants),
            [
                .int64(epoch), .array(grants.map(\.limitID)), .array(grants.map(\.workerID)),
                .array(grants.map { $0.slots.map { Int32(clamping: $0) } }),
                .array(grants.map { $0.rate.map { Float($0) } }), .array(grants.map(\.generation)),
            ]
        ).one().decode(0)
    }
}
