import Adapters
import Campaigns
import Foundation
import Meta
public import Model
import Population
public import Postgres
import Problem
import Queue
import Recipe
import Registry
import Schema
import Tensor

/// A base update of a whole tenant: started by one statement, fed by the scheduler, worked on by processes that someone
/// else starts, promoted and rolled back; meanwhile another tenant asks for single jobs.
public struct CampaignBench: Sendable {
    /// Sizes; the defaults are those of the published figure.
    public struct Configuration: Sendable, Codable {
        /// Users of the tenant.
        public var users = 1_000_000
        /// Items in the catalogue.
        public var items = 10_000
        /// Examples of each user.
        public var support = 32
        /// Users of the canary.
        public var canary = 1000
        /// Users of each wave, about, that are judged.
        public var judged = 500
        /// Seconds between single jobs of the other tenant.
        public var probeSeconds = 0.5
        /// Seed of the population.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// What was measured.
    public struct Result: Sendable {
        /// Seconds of the statement that starts the campaign.
        public var startSeconds = 0.0
        /// Seconds from then until its base serves.
        public var totalSeconds = 0.0
        /// Seconds of the statement that promotes.
        public var switchSeconds = 0.0
        /// Seconds of the statement that rolls back.
        public var rollbackSeconds = 0.0
        /// Jobs that the campaign made.
        public var jobs: Int64 = 0
        /// The 99th percentile of the other tenant's waits for a claim, seconds.
        public var otherClaimSeconds = 0.0
        /// Jobs of the other tenant.
        public var otherJobs: Int64 = 0
        /// The longest of those waits, longest first.
        public var longestWaits: [WaitRow] = []
        /// How the waves were judged.
        public var waves: [WaveRow] = []
    }

    /// A wave, as tables print it.
    public struct WaveRow: Sendable, Codable {
        /// 0 is the canary.
        public var wave: Int
        /// Users fed.
        public var users: Int64
        /// Users judged.
        public var judged: Int
        /// How it was judged.
        public var verdict: String
        /// Mean held-out difference, nats; nil when nobody was judged.
        public var difference: Double?
    }

    /// How long a job of the other tenant waited for its claim.
    public struct WaitRow: Sendable, Codable {
        /// When it came, seconds after the first of them.
        public var at: Double
        /// Its wait, seconds.
        public var seconds: Double
    }

    private static let otherUsers = 2000

    private let configuration: Configuration
    private let pool: ConnectionPool
    private let population: SyntheticPopulation
    private let tenant: String
    private var other: String { "\(tenant)-other" }

    /// A run over a migrated database.
    public init(_ configuration: Configuration, pool: ConnectionPool) {
        self.configuration = configuration
        self.pool = pool
        population = SyntheticPopulation(
            seed: configuration.seed, items: configuration.items,
            users: max(configuration.users, Self.otherUsers), examplesPerUser: configuration.support)
        tenant = "bench-\(UUID().uuidString.prefix(8).lowercased())"
    }

    /// Makes both tenants, bases, recipes and catalogues, records every user's examples, and gives everyone a pointer under
    /// the base before; none of it is timed.
    public func prepare(_ old: TextEncoder, _ new: TextEncoder, progress: (Int, Int) -> Void) async throws {
        let registry = Registry(pool)
        _ = try await registry.registerBase(name: "bench-base", digest: old.digest, width: old.width)
        _ = try await registry.registerBase(name: "bench-base-v2", digest: new.digest, width: new.width)
        for name in [tenant, other] {
            _ = try await registry.createTenant(name)
            try await registry.promote(base: old.digest, for: name)
            for encoder in [old, new] {
                let digest = try await registry.registerRecipe(
                    try recipe(encoder).encode(), name: "bench", baseDigest: encoder.digest, tenant: name)
                try await registry.activateRecipe(digest, for: name)
            }
            try await registry.importCatalogue(of: name) { writer in
                for item in population.catalogue { try await writer.append(.init(id: item.id, text: item.text)) }
            }
        }
        try await record(0..<Self.otherUsers, for: other, registry)
        for start in stride(from: 0, to: configuration.users, by: 5000) {
            let end = min(start + 5000, configuration.users)
            try await record(start..<end, for: tenant, registry)
            progress(end, configuration.users)
        }
        try await pool.execute(Statement(SQL.Bench.campaignPointers), [.text(tenant)])
    }

    private func record(_ users: Range<Int>, for tenant: String, _ registry: Registry) async throws {
        try await registry.record(for: tenant) { writer in
            for index in users {
                let user = population.user(index)
                try await writer.append(
                    Recording(
                        user: user.user, subjects: user.examples.compactMap { $0.item.map { .item($0) } },
                        labels: user.examples.map(\.label)))
            }
        }
    }

    /// Waits until every lane has an owner: processes that still load their bases are no part of a campaign.
    public func awaitWorkers() async throws {
        while try await pool.execute(Statement(SQL.Bench.unownedLanes)).one().decode(0, as: Int64.self) > 0 {
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Starts the campaign, waits until it may be promoted, promotes and rolls back.
    ///
    /// - Throws: `campaign_stopped` when a judgement paused it.
    public func run(progress: (Int, Int) -> Void) async throws -> Result {
        let desk = CampaignDesk(pool)
        var result = Result()
        var options = CampaignOptions()
        (options.canaryUsers, options.judgedUsers) = (Int32(configuration.canary), Int32(configuration.judged))
        let began = ContinuousClock.now
        let number = try await desk.start(tenant: tenant, base: "bench-base-v2", options)
        result.startSeconds = Self.seconds(.now - began)
        let probing = Task { try await probe() }
        defer { probing.cancel() }
        while true {
            guard let status = try await desk.campaign(number) else { break }
            if status.canPromote { break }
            guard status.state == "running" else {
                throw Problem(
                    "campaign_stopped", at: "campaign \(number)", "\(status.state): \(status.reason ?? "no reason").",
                    do: "look at its waves: SELECT * FROM attune.campaign_waves.")
            }
            progress(Int(status.done), configuration.users)
            try await Task.sleep(for: .milliseconds(100))
        }
        let ready = ContinuousClock.now
        _ = try await desk.promote(base: "bench-base-v2", for: tenant)
        result.switchSeconds = Self.seconds(.now - ready)
        result.totalSeconds = Self.seconds(.now - began)
        let back = ContinuousClock.now
        _ = try await desk.rollback(tenant)
        result.rollbackSeconds = Self.seconds(.now - back)
        probing.cancel()
        result.jobs = try await desk.campaign(number)?.fed ?? 0
        result.waves = try await desk.waves(of: number).map {
            WaveRow(
                wave: $0.wave, users: $0.fed, judged: $0.judged, verdict: $0.verdict, difference: $0.difference)
        }
        let waits = try await pool.execute(Statement(SQL.Bench.claimWaits), [.text(other)]).one()
        (result.otherClaimSeconds, result.otherJobs) = (try waits.decode(0), try waits.decode(1))
        result.longestWaits = try await pool.execute(Statement(SQL.Bench.claimWorst), [.text(other)]).map {
            WaitRow(at: try $0.decode(0), seconds: try $0.decode(1))
        }
        return result
    }

    /// Enqueues a single job of the other tenant every now and then, until it is cancelled.
    private func probe() async throws {
        let queue = PostgresQueueStore(pool)
        for index in 0..<Self.otherUsers {
            _ = try await queue.enqueue(NewJob(tenant: other, user: "u-\(index)"))
            try await Task.sleep(for: .seconds(configuration.probeSeconds))
        }
    }

    /// Fixed numbers of the default shape: one step, a dense preconditioner, two thirds of the rows, the guard on.
    private func recipe(_ encoder: TextEncoder) -> Recipe {
        let head = LinearHead(weights: [Float](repeating: 0, count: encoder.width), bias: 0)
        var recipe = Recipe.plain(name: "bench", baseDigest: encoder.digest, head: head)
        recipe.rule.preconditioner = .dense(.identity(encoder.width, scale: 2.8))
        recipe.settings.rowBudget = encoder.width * 2 / 3
        recipe.settings.maximumExamples = configuration.support
        return recipe
    }

    private static func seconds(_ span: Duration) -> Double {
        Double(span.components.seconds) + Double(span.components.attoseconds) * 1e-18
    }
}
