import Adapters
import Evaluation
import Foundation
import HTTPTransfer
import Meta
import Model
import ObjectStore
import Population
import Postgres
import PostgresTestSupport
import Queue
import Recipe
import Registry
import Tensor
import Testing

/// A tenant with generated users in a database and a bucket of the test's own, and the processes that serve it.
final class Site {
    static let tenant = "acme"

    /// Settings of the queue that make a test short.
    struct Timing {
        /// How long a worker that fell silent keeps its chunks, in seconds.
        var leaseSeconds: Int32 = 2
        /// Jobs of a chunk.
        var chunkJobs: Int32 = 20
    }

    let database: ConnectionPool
    let store: S3ObjectStore
    let population: SyntheticPopulation
    let baseDigest: String
    let folder: URL
    private let environment: [String: String]
    private var processes: [AttuneProcess] = []

    var registry: Registry { Registry(database) }
    var queue: PostgresQueueStore { PostgresQueueStore(database) }

    private static let base = Result { try BaseFolder.open(try #require(TestSettings.base)) }

    private init(conninfo: String, s3: String, users: Int) async throws {
        let base = try Self.base.get()
        baseDigest = base.digest
        population = SyntheticPopulation(seed: 7, items: 40, users: users, examplesPerUser: 16, noise: 0)
        folder = FileManager.default.temporaryDirectory.appending(path: "attune-site-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let bucket = "site-\(UUID().uuidString.lowercased())"
        let credentials = try AWSProfile(environment: ProcessInfo.processInfo.environment) { _ in nil }.credentials()
        store = try S3ObjectStore(
            S3Configuration(bucket: bucket, region: "us-east-1", endpoint: s3), credentials: .fixed(credentials),
            exchange: try TransferPool())
        database = ConnectionPool(conninfo, limit: 4)
        environment = [
            "ATTUNE_DSN": conninfo, "ATTUNE_STORE": "s3://\(bucket)", "ATTUNE_S3_ENDPOINT": s3,
            "ATTUNE_BASE": base.path, "ATTUNE_DIR": folder.path, "AWS_REGION": "us-east-1",
        ]
        try await store.createBucket()
        try await populate(width: base.configuration.width)
    }

    private func populate(width: Int) async throws {
        try await registry.createTenant(Self.tenant)
        try await registry.registerBase(name: "base", digest: baseDigest, width: width)
        try await registry.promote(base: "base", for: Self.tenant)
        try await activate(
            Recipe.plain(
                name: "plain", baseDigest: baseDigest,
                head: LinearHead(weights: [Float](repeating: 0, count: width), bias: 0)))
        try await registry.importTexts(population.catalogue.map { ($0.id, $0.text) }, of: Self.tenant)
        try await registry.record(
            (0..<population.userCount).map { index in
                let user = population.user(index)
                return Recording(
                    user: user.user, subjects: user.examples.compactMap { $0.item.map { .item($0) } },
                    labels: user.examples.map(\.label))
            }, for: Self.tenant)
    }

    /// Runs `body` with a site on the tests' servers; every process is gone and every object deleted afterwards.
    static func with(
        users: Int = 200, timing: Timing = Timing(), _ body: (Site) async throws -> Void
    ) async throws {
        let s3 = try #require(TestSettings.s3)
        try await TestDatabase.with { database in
            try await with(conninfo: database.conninfo, s3: s3, users: users, timing: timing, body)
        }
    }

    /// The same on servers of the caller's; the database is migrated.
    static func with(
        conninfo: String, s3: String, users: Int, timing: Timing, _ body: (Site) async throws -> Void
    ) async throws {
        let site = try await Site(conninfo: conninfo, s3: s3, users: users)
        do {
            try await site.set(timing)
            try await body(site)
        } catch {
            await site.tearDown()
            throw error
        }
        await site.tearDown()
        for key in try await site.storedKeys() { try await site.store.delete(ObjectKey(key)) }
        try FileManager.default.removeItem(at: site.folder)
    }

    private func tearDown() async {
        for process in processes { process.kill9() }
        await database.close()
    }

    private func set(_ timing: Timing) async throws {
        try await ask(
            "UPDATE attune.setting SET lease_seconds = $1, chunk_jobs = $2",
            [.int32(timing.leaseSeconds), .int32(timing.chunkJobs)])
    }

    /// The tenant's users as meta-training takes them.
    func people() throws -> MetaPopulation {
        let encoder = try TextEncoder(Self.base.get())
        let users = (0..<population.userCount).map { population.user($0, withTexts: true) }
        return try MetaPopulation(users, at: "site") { try encoder.pooled($0) }
    }

    /// A recipe of plain steps that also looks at what the users did with each text.
    func recipeWithItems() throws -> Recipe {
        let people = try people()
        var recipe = Recipe.plain(
            name: "items", baseDigest: baseDigest, head: .zero(width: people.features.columns))
        let items = try #require(ItemVectors.learned(from: people, settings: ItemVectorSettings())).scaled(by: 2)
        recipe.items = items
        recipe.rule = recipe.rule.extended(by: items.count)
        recipe.headWithoutData = recipe.headWithoutData.extended(by: items.count)
        return recipe
    }

    /// A recipe of plain steps whose users store coefficients in a basis of their own differences.
    func recipeWithBasis() throws -> Recipe {
        let people = try people()
        var recipe = Recipe.plain(
            name: "basis", baseDigest: baseDigest, head: .zero(width: people.features.columns))
        var settings = BasisSettings()
        (settings.count, settings.windows) = (32, 1)
        recipe.basis = HeadBasis.learned(from: people, under: recipe.rule, settings: settings)
        #expect(recipe.basis?.count == 32)
        return recipe
    }

    /// Registers a recipe and makes the tenant's jobs use it.
    func activate(_ recipe: Recipe, for tenant: String = Site.tenant) async throws {
        let digest = try await registry.registerRecipe(
            try recipe.encode(), name: recipe.name, baseDigest: recipe.baseDigest, tenant: tenant)
        try await registry.activateRecipe(digest, for: tenant)
    }

    /// Runs a statement.
    @discardableResult
    func ask(_ sql: String, _ parameters: Parameters = []) async throws -> Rows {
        try await database.execute(Statement(name: "test", text: sql), parameters)
    }

    /// The one number that a query gives.
    func count(_ sql: String, _ parameters: Parameters = []) async throws -> Int {
        try await ask("SELECT count(*) FROM \(sql)", parameters).one().decode(0)
    }

    /// Enqueues a job for each user named, or for everyone.
    @discardableResult
    func enqueue(_ users: [String]? = nil) async throws -> Int {
        let users = users ?? (0..<population.userCount).map { "u-\($0)" }
        let report = try await queue.enqueue(Bulk(tenant: Self.tenant, entries: users.map { Bulk.Entry(user: $0) }))
        #expect(report.accepted == users.count && report.rejected.isEmpty)
        return report.accepted
    }

    /// Starts a worker; it sends a heartbeat every 0.4 s and claims two chunks at a time.
    func worker(_ name: String, _ options: String...) throws -> AttuneProcess {
        try start(
            ["worker", "--name", name, "--threads", "1", "--heartbeat", "0.4", "--jobs-per-claim", "40"] + options)
    }

    /// Starts a scheduler.
    func scheduler() throws -> AttuneProcess { try start(["scheduler", "--tick", "0.2"]) }

    /// Starts any command.
    func start(_ arguments: [String]) throws -> AttuneProcess {
        let process = try AttuneProcess(arguments, environment: environment, folder: folder)
        processes.append(process)
        return process
    }

    /// Runs a command to its end and returns what it wrote; it must succeed.
    func run(_ arguments: String...) async throws -> String { try await run(arguments) }

    /// The same with a list.
    func run(_ arguments: [String]) async throws -> String {
        let process = try start(arguments)
        let ending = try await process.ending()
        let output = try process.output()
        try #require(ending == .exit(0), "\(arguments) ended with \(ending): \(output)")
        return output
    }

    /// How many jobs have not ended.
    func openJobs() async throws -> Int {
        try await count("attune.job j WHERE NOT EXISTS (SELECT FROM attune.outcome o WHERE o.job_id = j.job_id)")
    }

    /// How many jobs have ended.
    func endedJobs() async throws -> Int { try await count("attune.outcome") }

    /// Waits until every job has ended.
    func everythingEnds(within seconds: Double = 60) async throws {
        try await eventually(
            "every job ends", within: seconds,
            context: {
                try await ask("SELECT state, count(*)::text FROM attune.chunk GROUP BY 1").map {
                    "chunks in state \(try $0.decode(0, as: Int16.self)): \(try $0.decode(1, as: String.self))"
                }.joined(separator: ", ") + processes.map { try $0.output().suffix(1200) }.joined(separator: "\n")
            }
        ) { try await openJobs() == 0 }
    }

    /// The keys of the bucket.
    func storedKeys() async throws -> [String] {
        try await store.list(prefix: "", after: nil, limit: 1000).map(\.key.string)
    }
}
