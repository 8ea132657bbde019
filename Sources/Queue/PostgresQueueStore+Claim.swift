package import Postgres
import Problem
import Schema

extension PostgresQueueStore {
    /// See ``QueueStore/claim(_:)``. A claim whose reply was lost is a lease that nobody works on: the rescue takes it
    /// back, and until then this worker goes on with other chunks.
    public func claim(_ request: ClaimRequest) async throws -> ClaimResult {
        let (cost, jobs) = request.isLook ? (0, 0) : (request.costBudgetMilliseconds, request.jobBudget)
        let rows = try await run(
            SQL.Queries.claimChunks,
            [
                .int64(request.workerID), .int32(request.lane), .float(cost), .int32(jobs),
                .int64(request.mark.sortKey), .int64(request.mark.chunkID),
                .text(request.lateSince?.text),
            ], isRepeatable: false)
        return try Self.result(of: rows, request)
    }

    /// Reads what the statement returned.
    package static func result(of rows: Rows, _ request: ClaimRequest) throws -> ClaimResult {
        var result = ClaimResult(
            chunks: [], endedJobs: 0, mark: request.mark, next: nil, horizon: Horizon(""), needsEmptyHands: false)
        for row in rows {
            guard let chunkID = try row.decode(0, as: Int64?.self) else {
                if let key = try row.decode(24, as: Int64?.self) {
                    result.next = LaneMark(sortKey: key, chunkID: try row.decode(25))
                }
                result.horizon = Horizon(try row.decode(26))
                result.needsEmptyHands = try row.decode(27)
                continue
            }
            let place = LaneMark(sortKey: try row.decode(13), chunkID: chunkID)
            if request.lateSince == nil { result.mark = max(result.mark, place) }
            result.endedJobs += try row.decode(23, as: Int.self)
            try count(row, into: &result.statistics)
            let jobs = try jobs(row, chunkID)
            if !jobs.isEmpty { result.chunks.append(try chunk(row, chunkID, place, jobs)) }
        }
        // Nothing waits between the mark and the next head, whatever became of it (leased here, parked, put off).
        if request.lateSince == nil, let next = result.next {
            result.mark = max(result.mark, LaneMark(sortKey: next.sortKey, chunkID: next.chunkID - 1))
        }
        return result
    }

    private static func count(_ row: Row, into statistics: inout WorkStatistics) throws {
        for code in try row.decode(30, as: [Int16]?.self) ?? [] {
            guard let ending = WorkStatistics.Ending(rawValue: code) else { continue }
            var one = WorkStatistics.Line()
            one.jobs = 1
            statistics.add(
                one,
                .init(
                    tenantID: try row.decode(3), flowID: try row.decode(29), kind: try row.decode(6), ending: ending))
        }
    }

    private static func chunk(
        _ row: Row, _ chunkID: Int64, _ place: LaneMark, _ jobs: [ClaimedJob]
    ) throws -> ClaimedChunk {
        ClaimedChunk(
            fence: Fence(chunkID: chunkID, attempt: try row.decode(1), token: try row.decode(2)),
            tenantID: try row.decode(3), tenant: try row.decode(4), keyPrefix: try row.decode(5),
            flowID: try row.decode(29), kind: try row.decode(6), baseID: try row.decode(7),
            baseDigest: try row.decode(8),
            recipeID: try row.decode(9), recipeDigest: try row.decode(10), campaignID: try row.decode(11),
            crashes: try row.decode(12), place: place, deadlineSeconds: try row.decode(14),
            costMilliseconds: try row.decode(28), jobs: jobs)
    }

    private static func jobs(_ row: Row, _ chunkID: Int64) throws -> [ClaimedJob] {
        let ids = try row.decode(15, as: [Int64].self)
        guard !ids.isEmpty else { return [] }
        let uids = try row.decode(16, as: [Int64].self)
        let users = try row.decode(17, as: [String].self)
        let epochs = try row.decode(18, as: [Int32].self)
        let parents = try row.decode(19, as: [Int64?].self)
        let sequences = try row.decode(20, as: [Int64].self)
        let tries = try row.decode(21, as: [Int16].self)
        let payloads = try row.decode(22, as: [[UInt8]?].self)
        let counts = [
            uids.count, users.count, epochs.count, parents.count, sequences.count, tries.count, payloads.count,
        ]
        guard counts.allSatisfy({ $0 == ids.count }) else {
            throw Problem(
                "database_defect", at: "chunk \(chunkID)", "the claim returned arrays of \(ids.count) and \(counts).",
                do: "report this as a defect of Attune.")
        }
        return ids.indices.map {
            ClaimedJob(
                jobID: ids[$0], chunkID: chunkID, uid: uids[$0], user: users[$0], epoch: epochs[$0],
                parentRevision: parents[$0], dataSeq: sequences[$0], tries: tries[$0], payload: payloads[$0])
        }
    }
}
