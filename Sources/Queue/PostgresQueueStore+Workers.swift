import Postgres
import Schema

extension PostgresQueueStore {
    /// See ``QueueStore/heartbeat(_:)``.
    public func heartbeat(_ heartbeat: Heartbeat) async throws -> WorkerOrders {
        let shares = heartbeat.work?.shares ?? []
        let row = try await run(
            SQL.Queries.heartbeat,
            [
                .int64(heartbeat.workerID), .int64(heartbeat.progress), .int32(heartbeat.jobsInHand),
                .float(heartbeat.costInHandMilliseconds), .double(heartbeat.work?.busyMilliseconds ?? 0),
                .double(heartbeat.work?.spanMilliseconds ?? 0), .array(shares.map(\.tenantID)),
                .array(shares.map(\.kind)), .array(shares.map(\.estimatedMilliseconds)),
                .array(shares.map(\.tookMilliseconds)),
            ]
        ).one()
        if clockReports.isDue(heartbeat.workerID) {
            try await run(SQL.Queries.reportClock, [.int64(heartbeat.workerID), .timestamp(clock())])
        }
        return WorkerOrders(
            state: try row.decodeCase(0), leaseSeconds: try row.decode(1), lanes: try row.decode(2),
            hasLeader: try row.decode(4), speed: try row.decode(5), serverStart: try row.decode(6))
    }

    /// See ``QueueStore/setState(_:ofWorker:)``.
    @discardableResult
    public func setState(_ state: WorkerState, ofWorker workerID: Int64) async throws -> Bool {
        try await run(SQL.Queries.setWorkerState, [.int64(workerID), .text(state.rawValue)]).one().decode(0)
    }

    /// See ``QueueStore/adoptLanes(workerID:)``.
    @discardableResult
    public func adoptLanes(workerID: Int64) async throws -> Int {
        try await run(SQL.Queries.adoptLanes, [.int64(workerID)]).one().decode(0)
    }

    /// See ``QueueStore/sampleLanes(workerID:marks:)``.
    @discardableResult
    public func sampleLanes(workerID: Int64, marks: [Int32: LaneMark]) async throws -> [LaneSample] {
        try await sampleLanes(owner: workerID, marks: marks)
    }

    func sampleLanes(owner: Int64?, marks: [Int32: LaneMark]) async throws -> [LaneSample] {
        guard !marks.isEmpty else { return [] }
        let lanes = marks.sorted { $0.key < $1.key }
        return try await run(
            SQL.Queries.sampleLanes,
            [
                .int64(owner), .array(lanes.map(\.key)), .array(lanes.map(\.value.sortKey)),
                .array(lanes.map(\.value.chunkID)),
            ]
        ).map { row in
            LaneSample(
                lane: try row.decode(0), waiting: try row.decode(1), costMilliseconds: try row.decode(2),
                isExact: try row.decode(4))
        }
    }

    /// See ``QueueStore/lanesToHelp(workerID:limit:)``.
    public func lanesToHelp(workerID: Int64, limit: Int) async throws -> [Int32: LaneMark] {
        let rows = try await run(SQL.Queries.lanesToHelp, [.int64(workerID), .int32(Int32(limit))])
        return Dictionary(
            uniqueKeysWithValues: try rows.map {
                (try $0.decode(0), LaneMark(sortKey: try $0.decode(1), chunkID: try $0.decode(2)))
            })
    }
}
