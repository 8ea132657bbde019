import Foundation
import Problem
import Queue
import Testing

/// What the conformance suite needs besides the store: people with examples, and faults.
protocol QueueWorld: Sendable {
    var store: any QueueStore { get }
    /// Makes a tenant with an active base and recipe, or without.
    func addTenant(_ name: String, isActive: Bool) async throws
    /// Gives a tenant its first active base and recipe, or another recipe.
    func activate(recipe: Int32, for tenant: String) async throws
    func record(_ examples: Int, of user: String, tenant: String) async throws
    func erase(_ user: String, tenant: String) async throws
    /// The number of the user's current revision under the active base.
    func revision(of user: String, tenant: String) async throws -> Int32?
    func expireLease(ofWorker workerID: Int64) async throws
    func makeDeferredDue() async throws
    /// Sets a tenant's limits; nil lifts one.
    func limit(_ tenant: String, maxRunning: Int?, jobsPerSecond: Double?) async throws
    func setPaused(_ isPaused: Bool, tenant: String, kind: String?) async throws
    /// Jobs that reports have told of, by what became of them.
    func reported() async throws -> [WorkStatistics.Ending: Int64]
    /// Every lane of the layout.
    var lanes: [Int32] { get }
}

extension QueueWorld {
    func worker(_ name: String = "w") async throws -> Int64 {
        try await store.registerWorker(name: name, version: "test").workerID
    }

    /// Claims whatever waits in any lane.
    func claimAll(_ workerID: Int64) async throws -> [ClaimedChunk] {
        var chunks: [ClaimedChunk] = []
        for lane in lanes {
            var request = ClaimRequest(workerID: workerID, lane: lane)
            (request.costBudgetMilliseconds, request.jobBudget) = (100_000, 10_000)
            chunks += try await store.claim(request).chunks
        }
        return chunks
    }

    /// The only chunk that waits.
    func claimOne(_ workerID: Int64) async throws -> ClaimedChunk {
        let chunks = try await claimAll(workerID)
        try #require(chunks.count == 1)
        return chunks[0]
    }

    /// Users with four examples each, and a job for each of them in chunks of a bulk.
    func enqueueBulk(_ count: Int, tenant: String = "acme") async throws -> [Int64] {
        for index in 0..<count { try await record(4, of: "u\(index)", tenant: tenant) }
        let report = try await store.enqueue(Bulk(tenant: tenant, entries: (0..<count).map { .init(user: "u\($0)") }))
        let ids = try #require(report.jobIDs)
        return (0..<Int64(count)).map { ids.lowerBound + $0 / 100 * 1024 + $0 % 100 }
    }

    func state(of jobID: Int64) async throws -> JobState? { try await store.job(jobID)?.state }
}

extension ClaimedChunk {
    /// A delivery of this chunk in which every job has the same result.
    func delivery(_ result: (ClaimedJob) -> JobResult) -> Delivery { Delivery(of: [self], result) }

    /// A delivery in which every job made a revision of all the data it knew of.
    var completed: Delivery { delivery { .completed(.test(through: $0.dataSeq), .test) } }
}

extension Delivery {
    init(of chunks: [ClaimedChunk], _ result: (ClaimedJob) -> JobResult) {
        let digest = String(repeating: "ab", count: 32)
        self.init(
            chunks: chunks.map(\.fence), reports: chunks.flatMap(\.jobs).map { JobReport($0, result($0)) },
            object: chunks.first.map {
                DeliveredObject(
                    key: "\($0.keyPrefix)/\($0.fence.keyPart)-\(digest)", sha256: Array(repeating: 0xAB, count: 32),
                    byteCount: 4096)
            })
    }
}

extension RevisionDraft {
    static func test(through sequence: Int64) -> RevisionDraft {
        RevisionDraft(dataThrough: sequence, offset: 0, length: 64, sha256: Array(repeating: 7, count: 32))
    }
}

extension Measurements {
    static let test = Measurements(
        examples: 4, steps: 1, rows: 12, lossBefore: 0.6, lossAfter: 0.5, storedBytes: 64, fetchMilliseconds: 1,
        adaptMilliseconds: 2, encodeMilliseconds: 3, uploadMilliseconds: 4)
}

/// The stable class of what `body` throws; nil when it does not throw.
func errorClass(_ body: () async throws -> Void) async -> String? {
    do {
        try await body()
        return nil
    } catch let error as any ProblemConvertible {
        return error.problem.errorClass
    } catch {
        return "\(error)"
    }
}
