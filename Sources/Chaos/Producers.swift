import Foundation
import ObjectStore
import Population
import Postgres
import Problem
import Queue
import Registry
import Schema
import Synchronization
import Tensor

/// Services that record and enqueue, in bulk and one by one, through a connection that keeps breaking.
///
/// They do what any service is told to do: after an error that may go away, the same again under the same dedup key. What
/// they were told is what the queue has to keep.
final class Producers: Sendable {
    private struct State {
        var given = 0
        var allowed = 0
        /// Of those given, jobs that came to nothing: users who were just being erased, or whom the tenant has fewer of.
        var short = 0
        var accepted: [Told.Acceptance] = []
        var jobIDs: [Int64] = []
        var repeats = 0
    }

    private static let bulkSize = 400
    private let site: ChaosSite
    private let tenantIDs: [Int32]
    private let pool: ConnectionPool
    private let jobs: Int
    private let seed: UInt64
    private let state = Mutex(State())

    /// Producers of so many jobs, one in ten of them single.
    init(_ site: ChaosSite, tenantIDs: [Int32], pool: ConnectionPool, jobs: Int, seed: UInt64) {
        (self.site, self.tenantIDs, self.pool, self.jobs, self.seed) = (site, tenantIDs, pool, jobs, seed)
    }

    /// What they were told so far.
    var accepted: [Told.Acceptance] { state.withLock { $0.accepted } }
    /// Ids of jobs that they were told, for operators to choose from.
    var jobIDs: [Int64] { state.withLock { $0.jobIDs } }
    /// How often something had to be said again.
    var repeats: Int { state.withLock { $0.repeats } }

    /// Lets them have enqueued a share of all jobs, within `0...1`.
    func allow(share: Double) {
        state.withLock { $0.allowed = max($0.allowed, Int(share * Double(jobs))) }
    }

    /// Returns when everything has been acknowledged.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask { while let first = try await self.take(Self.bulkSize) { try await self.bulk(first) } }
            }
            for _ in 0..<2 {
                group.addTask {
                    while let first = try await self.take(Self.bulkSize / 20) {
                        for number in first..<first + Self.bulkSize / 20 { try await self.single(number) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Takes numbers for so many jobs, once they are allowed; nil when all are given, with more for those that came short.
    private func take(_ count: Int) async throws -> Int? {
        while true {
            let (first, isOver): (Int?, Bool) = state.withLock { state in
                guard state.given < jobs + state.short else { return (nil, true) }
                guard state.given < state.allowed + state.short else { return (nil, false) }
                defer { state.given += count }
                return (state.given, false)
            }
            if let first { return first }
            if isOver { return nil }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Which tenant and which users a batch is for: the same whenever it is asked.
    private func draw(_ number: Int, _ count: Int) -> (tenant: Int, users: [Int]) {
        var random = RandomSource(seed: seed &+ UInt64(number) &* 0x9E37_79B9)
        let tenant = random.uniform() < 0.75 ? 0 : 1
        let total = site.tenants[tenant].uids.count
        let first = random.index(below: total)
        return (tenant, (0..<min(count, total)).map { (first + $0) % total })
    }

    private func bulk(_ number: Int) async throws {
        let (tenant, users) = draw(number, Self.bulkSize)
        let target = site.tenants[tenant]
        let keys = users.map { "b\(number)-\($0)" }
        _ = try await persist {
            try await Registry(self.pool).record(for: target.name) { writer in
                for user in users {
                    let examples = target.examples(of: user, round: number)
                    try await writer.append(
                        Recording(
                            user: target.userID(user), subjects: examples.map { .item($0.item) },
                            labels: examples.map(\.label)))
                }
            }
        }
        let report = try await persist {
            var bulk = Bulk(
                tenant: target.name,
                entries: zip(users, keys).map { Bulk.Entry(user: target.userID($0), dedupKey: $1) })
            // A user who is being erased is refused, the others are not.
            bulk.keepsGoing = true
            return try await PostgresQueueStore(self.pool).enqueue(bulk)
        }
        let refused = Set(report.rejected.map { $0.line - 1 })
        let told = users.indices.filter { !refused.contains($0) }.map { index in
            acceptance(tenant, users[index], keys[index], job: nil)
        }
        state.withLock { state in
            state.accepted += told
            state.short += Self.bulkSize - told.count
            if let ids = report.jobIDs { state.jobIDs += [ids.lowerBound, ids.upperBound] }
        }
    }

    private func single(_ number: Int) async throws {
        let (tenant, users) = draw(number, 1)
        let target = site.tenants[tenant]
        let key = "s\(number)"
        let examples = target.examples(of: users[0], round: number)
            .map { "{\"item\": \"\($0.item)\", \"label\": \($0.label)}" }.joined(separator: ", ")
        let job = try await persist {
            try await self.pool.withTransaction { connection in
                try await connection.execute(
                    Statement(SQL.Chaos.recordAndEnqueue),
                    [.text(target.name), .text(target.userID(users[0])), .json("[\(examples)]"), .text(key)]
                ).one().decode(0, as: Int64.self)
            }
        }
        state.withLock { state in
            state.accepted.append(acceptance(tenant, users[0], key, job: job))
            state.jobIDs.append(job)
        }
    }

    private func acceptance(_ tenant: Int, _ user: Int, _ key: String, job: Int64?) -> Told.Acceptance {
        Told.Acceptance(
            key: DedupKey(tenantID: tenantIDs[tenant], hash: Digest.sha256(Array(key.utf8))),
            uid: site.tenants[tenant].uids[user], jobID: job)
    }

    /// Says it again until the database has heard it.
    private func persist<Result>(_ body: () async throws -> Result) async throws -> Result {
        while true {
            do { return try await body() } catch let error as any ProblemConvertible where error.problem.isRetryable {
                state.withLock { $0.repeats += 1 }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
