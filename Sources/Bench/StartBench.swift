import Adapters
import Foundation
public import Model
public import Postgres
import Problem
import Queue
import Recipe
import Registry
import Schema

/// How long a worker that is started takes until it has claimed the job that waits for it.
public struct StartBench: Sendable {
    /// Workers started, one after the other; the figure is the median.
    public static let starts = 5
    private static let tenant = "start"

    private let pool: ConnectionPool

    /// A run over a migrated database that holds nothing else.
    public init(_ pool: ConnectionPool) { self.pool = pool }

    /// Makes the tenant, with a user for each start.
    public func prepare(_ encoder: TextEncoder) async throws {
        let registry = Registry(pool)
        _ = try await registry.registerBase(name: "start", digest: encoder.digest, width: encoder.width)
        _ = try await registry.createTenant(Self.tenant)
        try await registry.promote(base: encoder.digest, for: Self.tenant)
        let head = LinearHead(weights: [Float](repeating: 0, count: encoder.width), bias: 0)
        let recipe = Recipe.plain(name: "start", baseDigest: encoder.digest, head: head)
        let digest = try await registry.registerRecipe(
            try recipe.encode(), name: "start", baseDigest: encoder.digest, tenant: Self.tenant)
        try await registry.activateRecipe(digest, for: Self.tenant)
        try await registry.record(
            (0..<Self.starts).map { index in
                Recording(
                    user: "u-\(index)", subjects: (0..<8).map { .text("what user \(index) said at time \($0)") },
                    labels: (0..<8).map { $0.isMultiple(of: 2) ? 1 : 0 })
            }, for: Self.tenant)
    }

    /// Enqueues a job, calls `launch`, and waits until the job has ended; seconds from the launch to its claim.
    public func start(_ index: Int, _ launch: () throws -> Void) async throws -> Double {
        let job = try await PostgresQueueStore(pool).enqueue(NewJob(tenant: Self.tenant, user: "u-\(index)"))
        let began = Date()
        try launch()
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if let row = try await pool.execute(Statement(SQL.Bench.firstClaim), [.int64(job)]).first {
                let claimed: Date = try row.decode(0)
                return claimed.timeIntervalSince(began)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Problem(
            "bench_worker_failed", at: "job \(job)", "no worker ended it within a minute.", do: "see the worker's log.")
    }
}
