import Adapters
import Foundation
import Meta
import Model
import ObjectStore
import Population
import Postgres
import Queue
import Recipe
import Registry
import Schema

/// Two tenants with users, two bases and their recipes, in a fresh database.
struct ChaosSite: Sendable {
    /// A tenant, its users, and the ids that rows carry for them.
    struct Tenant: Sendable {
        let name: String
        let population: SyntheticPopulation
        let uids: [Int64]

        /// Examples of a user to record next: a few of their many, others each time.
        func examples(of user: Int, round: Int) -> [(item: String, label: Float)] {
            let all = population.user(user).examples
            return (0..<4).compactMap { offset in
                let example = all[(round * 4 + offset) % all.count]
                return example.item.map { ($0, example.label) }
            }
        }

        /// The tenant's own id of a user.
        func userID(_ user: Int) -> String { "u-\(user)" }
    }

    let tenants: [Tenant]
    /// Folders of the bases; the first one serves both tenants at the beginning.
    let basePaths: [String]
    /// Names of the bases, in the same order.
    let baseNames = ["first", "second"]
    /// Digests of the recipes that fit each base, by base.
    let recipes: [[String]]

    /// Makes everything; three quarters of the users are the first tenant's.
    init(users: Int, seed: UInt64, folder: String, pool: ConnectionPool) async throws {
        let registry = Registry(pool)
        let populations = [users - users / 4, users / 4].enumerated().map { index, count in
            SyntheticPopulation(
                seed: seed &* 2 &+ UInt64(index), items: 60, users: count, examplesPerUser: 24, noise: 0)
        }
        let words = populations.flatMap { $0.catalogue.map(\.text) }
        basePaths = baseNames.map { "\(folder)/base-\($0)" }
        var recipes: [[String]] = []
        for (index, path) in basePaths.enumerated() {
            try SmallBase.write(to: path, words: words, seed: seed &+ UInt64(index))
            let base = try BaseFolder.open(path)
            try await registry.registerBase(
                name: baseNames[index], digest: base.digest, width: base.configuration.width)
            let variants = Self.recipes(baseDigest: base.digest, width: base.configuration.width)
            var digests: [String] = []
            for recipe in variants {
                digests.append(
                    try await registry.registerRecipe(
                        try recipe.encode(), name: recipe.name, baseDigest: base.digest, tenant: nil))
            }
            recipes.append(digests)
        }
        self.recipes = recipes
        var tenants: [Tenant] = []
        for (name, population) in zip(["acme", "globex"], populations) {
            tenants.append(try await Self.populate(name, population, registry, pool))
            for digests in recipes { try await registry.activateRecipe(digests[0], for: name) }
            try await registry.promote(base: baseNames[0], for: name)
        }
        self.tenants = tenants
    }

    /// Two of a base: one step or two.
    private static func recipes(baseDigest: String, width: Int) -> [Recipe] {
        ["calm", "keen"].enumerated().map { index, name in
            var recipe = Recipe.plain(
                name: name, baseDigest: baseDigest,
                head: LinearHead(weights: [Float](repeating: 0, count: width), bias: 0))
            recipe.settings.maximumExamples = 32
            recipe.settings.scale = index == 0 ? 0.5 : 0.7
            return recipe
        }
    }

    private static func populate(
        _ name: String, _ population: SyntheticPopulation, _ registry: Registry, _ pool: ConnectionPool
    ) async throws -> Tenant {
        try await registry.createTenant(name)
        try await registry.importCatalogue(of: name) { writer in
            for item in population.catalogue { try await writer.append(.init(id: item.id, text: item.text)) }
        }
        try await registry.record(for: name) { writer in
            for index in 0..<population.userCount {
                let user = population.user(index)
                try await writer.append(
                    Recording(
                        user: user.user, subjects: user.examples.compactMap { $0.item.map { .item($0) } },
                        labels: user.examples.map(\.label)))
            }
        }
        var uids: [String: Int64] = [:]
        for row in try await pool.execute(Statement(SQL.Chaos.userIds), [.text(name)]) {
            uids[try row.decode(0)] = try row.decode(1)
        }
        return Tenant(
            name: name, population: population, uids: (0..<population.userCount).map { uids["u-\($0)"] ?? 0 })
    }
}
