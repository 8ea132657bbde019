import Adapters
import Foundation
import Meta
public import Model
import Population
public import Postgres
import Queue
import Recipe
import Registry
import Schema
import Tensor

/// Enqueue to published: generated users over one catalogue, adapted by worker processes that someone else starts.
///
/// A first wave of a thousand users fills the workers' feature caches and gives the peak memory to compare with; the
/// second wave, of other users, is what is timed.
public struct PipelineBench: Sendable {
    /// Sizes; the defaults are those of the published figure.
    public struct Configuration: Sendable, Codable {
        /// Users of the timed wave.
        public var users = 100_000
        /// Users of the first wave.
        public var warmUsers = 1000
        /// Items in the catalogue.
        public var items = 2000
        /// Examples of each user, all of them support.
        public var support = 32
        /// Jobs a bulk enqueue call.
        public var jobsPerCall = 10_000
        /// Seed of the population.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// What a wave took.
    public struct Wave: Sendable {
        /// Users enqueued.
        public var users: Int
        /// Seconds spent in enqueue calls.
        public var enqueueSeconds: Double
        /// Seconds from the first enqueue call to the last chunk's end.
        public var seconds: Double
    }

    private let configuration: Configuration
    private let pool: ConnectionPool
    private let population: SyntheticPopulation
    /// The tenant that is made for the run.
    public let tenant: String

    /// A run over a migrated database.
    public init(_ configuration: Configuration, pool: ConnectionPool) {
        self.configuration = configuration
        self.pool = pool
        population = SyntheticPopulation(
            seed: configuration.seed, items: configuration.items, users: configuration.warmUsers + configuration.users,
            examplesPerUser: configuration.support)
        tenant = "bench-\(UUID().uuidString.prefix(8).lowercased())"
    }

    /// Makes tenant, base, recipe and catalogue, and records every user's examples; none of it is timed.
    public func prepare(_ encoder: TextEncoder, progress: (Int, Int) -> Void) async throws {
        let registry = Registry(pool)
        _ = try await registry.createTenant(tenant)
        _ = try await registry.registerBase(name: "bench-base", digest: encoder.digest, width: encoder.width)
        try await registry.promote(base: encoder.digest, for: tenant)
        let bytes = try recipe(encoder).encode()
        let digest = try await registry.registerRecipe(
            bytes, name: "bench", baseDigest: encoder.digest, tenant: tenant)
        try await registry.activateRecipe(digest, for: tenant)
        try await registry.importCatalogue(of: tenant) { writer in
            for item in population.catalogue { try await writer.append(.init(id: item.id, text: item.text)) }
        }
        let total = population.userCount
        for start in stride(from: 0, to: total, by: 5000) {
            let end = min(start + 5000, total)
            try await registry.record(for: tenant) { writer in
                for index in start..<end {
                    let user = population.user(index)
                    try await writer.append(
                        Recording(
                            user: user.user, subjects: user.examples.compactMap { $0.item.map { .item($0) } },
                            labels: user.examples.map(\.label)))
                }
            }
            progress(end, total)
        }
    }

    /// Enqueues users `range` in bulk calls and waits until all of their chunks have ended.
    public func wave(_ range: Range<Int>, progress: (Int, Int) -> Void) async throws -> Wave {
        let queue = PostgresQueueStore(pool)
        let clock = ContinuousClock()
        let start = clock.now
        for first in stride(from: range.lowerBound, to: range.upperBound, by: configuration.jobsPerCall) {
            let last = min(first + configuration.jobsPerCall, range.upperBound)
            _ = try await queue.enqueue(
                Bulk(tenant: tenant, entries: (first..<last).map { Bulk.Entry(user: "u-\($0)") }))
        }
        let enqueued = clock.now
        while true {
            let open = try await pool.execute(Statement(SQL.Bench.openChunks), [.text(tenant)]).one().decode(
                0, as: Int64.self)
            if open == 0 { break }
            progress(range.count - Int(open) * 100, range.count)
            try await Task.sleep(for: .milliseconds(50))
        }
        progress(range.count, range.count)
        return Wave(
            users: range.count, enqueueSeconds: Self.seconds(enqueued - start), seconds: Self.seconds(clock.now - start)
        )
    }

    /// Stored bytes of all published users together, indexes included, and how many users that is.
    public func stored() async throws -> (bytes: Int64, users: Int64) {
        let row = try await pool.execute(Statement(SQL.Bench.storedBytes), [.text(tenant)]).one()
        return (try row.decode(0), try row.decode(1))
    }

    /// Fixed numbers of the default shape: one step, a dense preconditioner, coefficients in a basis, the guard on. The
    /// directions are the first axes: which they are changes no byte and no work.
    private func recipe(_ encoder: TextEncoder) -> Recipe {
        let head = LinearHead(weights: [Float](repeating: 0, count: encoder.width), bias: 0)
        var recipe = Recipe.plain(name: "bench", baseDigest: encoder.digest, head: head)
        recipe.rule.preconditioner = .dense(.identity(encoder.width, scale: 2.8))
        let settings = BasisSettings()
        var axes = Matrix(rows: min(settings.count, encoder.width), columns: encoder.width)
        for index in 0..<axes.rows { axes[index, index] = 1 }
        recipe.basis = HeadBasis(
            directions: axes, projector: axes, meanFeature: [Float](repeating: 0, count: encoder.width),
            precision: settings.precision)
        recipe.settings.maximumExamples = configuration.support
        return recipe
    }

    private static func seconds(_ span: Duration) -> Double {
        Double(span.components.seconds) + Double(span.components.attoseconds) * 1e-18
    }
}
