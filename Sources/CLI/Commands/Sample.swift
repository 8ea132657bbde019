import ArgumentParser
import Foundation
import Population
import Postgres
import Problem
import Registry

/// Makes people with distinct tastes.
struct Sample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Generate users with distinct tastes over a catalogue of texts, the same ones for the same seed.",
        discussion: """
            The tenant is made if need be; users that are there already stay as they are.

            EXAMPLES:
              attune sample --tenant demo --users 1000
              attune sample --users 5000 --write users.jsonl     # a file instead of a tenant
            """)

    @Option(help: ArgumentHelp("The tenant that gets them.", valueName: "name")) var tenant: String?
    @Option(help: "Number of users.") var users = 1000
    @Option(help: "Number of items in the catalogue, 20 to 100,000.") var items = 1000
    @Option(help: "Examples of each user, 4 to 1,000.") var examples = 100
    @Option(help: "Seed; the same one gives the same people.") var seed: UInt64 = 1
    @Option(help: "Share of choices that go against the taste, 0 to 0.5.") var noise = 0.15
    @Option(help: "Write the users, with texts, as JSON lines to this file instead.", completion: .file())
    var write: String?
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Encodable {
        var tenant: String?
        var file: String?
        var users: Int
        var skipped: Int
        var items: Int
        var examplesPerUser: Int
        var seconds: Double
    }

    func validate() throws {
        guard (tenant == nil) != (write == nil) else { throw ValidationError("Give either --tenant or --write.") }
        guard (1...1_000_000_000).contains(users) else { throw ValidationError("--users must be 1 to 1,000,000,000.") }
        guard (20...100_000).contains(items) else { throw ValidationError("--items must be 20 to 100,000.") }
        guard (4...1000).contains(examples) else { throw ValidationError("--examples must be 4 to 1,000.") }
        guard (0...0.5).contains(noise) else { throw ValidationError("--noise must be 0 to 0.5.") }
    }

    func run() async throws {
        let started = Date()
        let population = SyntheticPopulation(
            seed: seed, items: items, users: users, examplesPerUser: examples, noise: noise)
        var skipped = 0
        if let tenant {
            skipped = try await connection.withDatabase { try await record(population, tenant, $0) }
        } else if let write {
            try save(population, write)
        }
        let seconds = Date().timeIntervalSince(started)
        if output.json {
            return try JSONOutput.print(
                Answer(
                    tenant: tenant, file: write, users: users - skipped, skipped: skipped, items: items,
                    examplesPerUser: population.examplesPerUser, seconds: seconds))
        }
        Terminal.output(
            "\(write == nil ? "recorded   " : "written    ")\(Figures.count(users - skipped)) users"
                + "   \(population.examplesPerUser) examples each   \(Figures.count(items)) items"
                + "   skipped \(skipped)   \(Figures.span(seconds: seconds))")
        if let tenant { Terminal.note("next       attune meta-train --tenant \(tenant)") }
    }

    /// Returns how many users were there already.
    private func record(_ population: SyntheticPopulation, _ tenant: String, _ database: ConnectionPool) async throws
        -> Int
    {
        let registry = Registry(database)
        if try await !registry.tenants().contains(where: { $0.name == tenant }) {
            try await registry.createTenant(tenant)
        }
        let texts = Dictionary(uniqueKeysWithValues: population.catalogue.map { ($0.id, $0.text) })
        try await CatalogueImport.requireUnchanged(texts, in: "default", of: tenant, registry)
        var catalogue = CatalogueImport(registry: registry, tenant: tenant, catalogue: "default")
        for item in population.catalogue { try await catalogue.add(id: item.id, text: item.text) }
        try await catalogue.flush()
        var recording = UserImport(
            database: database, tenant: tenant, catalogue: "default", skipsUsersWithExamples: true)
        for index in 0..<users {
            let user = population.user(index)
            guard recording.add(user, at: "\(tenant)/\(user.user)") else { continue }
            try await recording.flush()
            Terminal.progress("sample     \(index + 1) of \(users) users")
        }
        try await recording.flush()
        recording.rejects.show(rest: "none of them recorded")
        try recording.rejects.end(taken: recording.counts.users)
        return recording.counts.skipped
    }

    private func save(_ population: SyntheticPopulation, _ path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw Problem("file_unwritable", at: path, "cannot be made.", do: "check the folder and its owner.")
        }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        for index in 0..<users {
            try file.write(contentsOf: Data(population.user(index, withTexts: true).jsonLine.utf8))
        }
        try file.close()
    }
}
