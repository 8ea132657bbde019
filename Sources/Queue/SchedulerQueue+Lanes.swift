public import FoundationEssentials
import Postgres
import Schema

/// A lane as the scheduler plans with it.
public struct LaneLoad: Sendable, Equatable {
    /// The lane.
    public var lane: Int32
    /// The worker that owns it.
    public var workerID: Int64?
    /// Rises with each move; a move planned with an older one does nothing.
    public var generation: Int64
    /// Work that waits in it, in milliseconds of a reference worker.
    public var costMilliseconds: Double
    /// Seconds since it moved last.
    public var restedSeconds: Double

    /// Makes a lane.
    public init(
        lane: Int32, workerID: Int64?, generation: Int64, costMilliseconds: Double = 0,
        restedSeconds: Double = .infinity
    ) {
        self.lane = lane
        self.workerID = workerID
        self.generation = generation
        self.costMilliseconds = costMilliseconds
        self.restedSeconds = restedSeconds
    }
}

/// A worker as the scheduler plans with it: active, with a lease that has not run out, and not wedged.
public struct WorkerLoad: Sendable, Equatable {
    /// The worker.
    public var workerID: Int64
    /// Milliseconds of reference work it does in a millisecond; nil until measured.
    public var speed: Double?
    /// Work that it holds, in milliseconds of a reference worker.
    public var inHandMilliseconds: Double
    /// Work it did since it started, in the same unit.
    public var doneMilliseconds: Double

    /// Makes a worker.
    public init(workerID: Int64, speed: Double? = nil, inHandMilliseconds: Double = 0, doneMilliseconds: Double = 0) {
        self.workerID = workerID
        self.speed = speed
        self.inHandMilliseconds = inHandMilliseconds
        self.doneMilliseconds = doneMilliseconds
    }
}

/// A move of one lane.
public struct LaneMove: Sendable, Equatable {
    /// The lane, with the generation planned with.
    public var lane: Int32
    /// The generation planned with.
    public var generation: Int64
    /// The new owner; nil: nobody.
    public var workerID: Int64?

    /// Makes a move.
    public init(lane: Int32, generation: Int64, workerID: Int64?) {
        self.lane = lane
        self.generation = generation
        self.workerID = workerID
    }
}

/// What was last seen of a lane's work.
public struct LaneSighting: Sendable, Equatable {
    /// Its work, in milliseconds of a reference worker.
    public var costMilliseconds: Double
    /// The owner's low-water mark then.
    public var mark: LaneMark
    /// When, by the database's clock.
    public var at: Date

    /// Makes a sighting.
    public init(costMilliseconds: Double, mark: LaneMark, at: Date) {
        self.costMilliseconds = costMilliseconds
        self.mark = mark
        self.at = at
    }
}

extension SchedulerQueue {
    /// Every lane with its owner; what waits in it is told by ``sightings(since:)``.
    public func lanes() async throws -> [LaneLoad] {
        try await pool.execute(Statement(SQL.Queries.laneOwners)).map { row in
            LaneLoad(
                lane: try row.decode(0), workerID: try row.decode(1), generation: try row.decode(2),
                restedSeconds: try row.decode(3))
        }
    }

    /// Samples of lanes that were added after a time, the newest of each lane; all lanes' newest where it is nil.
    public func sightings(since: Date?) async throws -> [Int32: LaneSighting] {
        let file = since == nil ? SQL.Queries.newestSamples : SQL.Queries.samplesSince
        let rows = try await pool.execute(Statement(file), since.map { [.timestamp($0)] } ?? [])
        return Dictionary(
            uniqueKeysWithValues: try rows.map { row in
                let mark = LaneMark(sortKey: try row.decode(2), chunkID: try row.decode(3))
                return (
                    try row.decode(0),
                    LaneSighting(costMilliseconds: try row.decode(1), mark: mark, at: try row.decode(4))
                )
            })
    }

    /// Workers that may own lanes. By id, in the order of their start.
    public func liveWorkers() async throws -> [WorkerLoad] {
        try await pool.execute(Statement(SQL.Queries.liveWorkers)).map { row in
            WorkerLoad(
                workerID: try row.decode(0), speed: try row.decode(1, as: Float?.self).map(Double.init),
                inHandMilliseconds: Double(try row.decode(2, as: Float.self)), doneMilliseconds: try row.decode(3))
        }
    }

    /// Moves lanes; returns those that moved.
    public func move(_ moves: [LaneMove], epoch: Int64) async throws -> [Int32] {
        try await pool.execute(
            Statement(SQL.Queries.moveLanes),
            [
                .int64(epoch), .array(moves.map(\.lane)), .array(moves.map(\.generation)),
                .array(moves.map(\.workerID)),
            ]
        ).one().decode(0)
    }

    /// How many lanes new chunks are spread over, and setting `lanes_per_worker`.
    public func laneSettings() async throws -> (lanes: Int, perWorker: Int) {
        let row = try await pool.execute(Statement(SQL.Queries.laneSettings)).one()
        return (try row.decode(0), try row.decode(1))
    }

    /// Makes so many lanes for new chunks, if there are fewer; returns how many were made.
    @discardableResult
    public func raiseLanes(to count: Int, epoch: Int64) async throws -> Int {
        try await pool.execute(Statement(SQL.Queries.raiseLanes), [.int64(epoch), .int32(Int32(count))]).one().decode(0)
    }

    /// Looks at lanes whose owners do not: nobody owns them, or the owner is of a version without samples.
    @discardableResult
    public func sampleLanes(_ marks: [Int32: LaneMark]) async throws -> [LaneSample] {
        try await PostgresQueueStore(pool).sampleLanes(owner: nil, marks: marks)
    }

    /// Learns what jobs really take from what workers told; bounded.
    public func learnCosts() async throws { try await pool.execute(Statement(SQL.Queries.learnCosts)) }

    /// Removes samples that are old and not their lane's newest, at most `limit`; returns how many.
    @discardableResult
    public func pruneSamples(epoch: Int64, limit: Int = 5000) async throws -> Int {
        try await pool.execute(Statement(SQL.Queries.pruneSamples), [.int64(epoch), .int32(Int32(limit))]).one().decode(
            0)
    }

    /// How many workers were wanted last, how fast work came in, and the limits that hold.
    public func workerTarget() async throws -> WantedWorkers {
        let row = try await pool.execute(Statement(SQL.Queries.workerTarget)).one()
        return WantedWorkers(
            desired: try row.decode(0), needed: try row.decode(1), arrival: try row.decode(2),
            lowerForSeconds: try row.decode(3), drainSeconds: try row.decode(4), least: try row.decode(5),
            most: try row.decode(6), shrinkAfterSeconds: try row.decode(7))
    }

    /// Writes down how many workers are wanted, and from what.
    public func want(_ wanted: WantedWorkers, epoch: Int64) async throws {
        try await pool.execute(
            Statement(SQL.Queries.setWorkerTarget),
            [
                .int64(epoch), .int32(Int32(wanted.desired)), .int32(Int32(wanted.needed)),
                .double(wanted.backlogMilliseconds), .double(wanted.arrival), .double(wanted.speedEach),
                .int32(Int32(wanted.live)), .double(wanted.lowerForSeconds),
            ])
    }
}

/// How many workers are wanted, as ``SchedulerQueue/workerTarget()`` reads and ``SchedulerQueue/want(_:epoch:)`` writes it.
public struct WantedWorkers: Sendable, Equatable {
    /// Workers wanted, and what the load of then needed.
    public var desired: Int
    /// See `desired`.
    public var needed: Int
    /// Work that comes in, in milliseconds of a reference worker a millisecond.
    public var arrival: Double
    /// For how long fewer have been enough; nil: they are not.
    public var lowerForSeconds: Double?
    /// Setting `drain_target_seconds`.
    public var drainSeconds: Int
    /// Setting `workers_min`.
    public var least: Int
    /// Setting `workers_max`.
    public var most: Int
    /// Setting `shrink_after_seconds`.
    public var shrinkAfterSeconds: Int
    /// Work that waits or is in hand, in milliseconds of a reference worker; written only.
    public var backlogMilliseconds = 0.0
    /// Mean speed of a worker; written only.
    public var speedEach = 1.0
    /// Workers that live; written only.
    public var live = 0
}
