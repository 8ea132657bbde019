import ArgumentParser
import Foundation
import Population
import Problem
import Registry

/// Records users' examples from a file.
struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record users' examples from JSON lines, plain or zstd-compressed.",
        discussion: """
            A line is one user: {"user": "u-1", "examples": [{"text": "…", "label": 1}, {"item": "m17", "rating": 3.5}]}.
            An example that has an item and a text puts the text into the catalogue, whatever stood there. Records \
            only: attune enqueue asks for adaptations. A second import adds the examples again, except with --new-users.

            EXAMPLES:
              attune import --tenant acme users.jsonl.zst
              attune import --tenant acme users.jsonl --new-users
            """)

    @Argument(help: "JSON lines, plain or zstd-compressed.", completion: .file()) var file: String
    @Option(help: "Catalogue that items are of.") var catalogue = "default"
    @Flag(help: "Leave out users who have examples already: repeating such an import is harmless.")
    var newUsers = false
    @Flag(help: "Leave out examples marked \"split\": \"query\".") var supportOnly = false
    @Flag(help: "Take users whose examples all have one label.") var allowOneClass = false
    @OptionGroup var tenant: TenantOption
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Encodable {
        var counts: UserImport.Counts
        var items: CatalogueImport.Counts
        var rejected: Int
        var rejects: [RejectList.Reject]
        var seconds: Double
    }

    func run() async throws {
        let started = Date()
        var limits = PopulationReader.Limits()
        limits.requiresBothClasses = !allowOneClass
        var reader = try PopulationReader(path: file, limits: limits)
        try await connection.withDatabase { database in
            let registry = Registry(database)
            _ = try await registry.tenant(tenant.tenant)
            var items = CatalogueImport(registry: registry, tenant: tenant.tenant, catalogue: catalogue)
            var users = UserImport(
                database: database, tenant: tenant.tenant, catalogue: catalogue, skipsUsersWithExamples: newUsers)
            var brought: Set<String> = []
            while let entry = try reader.next() {
                switch entry {
                case .refused(let problem): users.reject(problem)
                case .user(var user, let line):
                    if supportOnly { user.examples.removeAll { $0.part == .query } }
                    guard !user.examples.isEmpty else { continue }
                    for case (let item?, let text?) in user.examples.map({ ($0.item, $0.text) })
                    where brought.insert(item).inserted {
                        try await items.add(id: item, text: text)
                    }
                    guard users.add(user, at: "\(file):\(line)") else { continue }
                    try await items.flush()
                    try await users.flush()
                    Terminal.progress("import     \(users.counts.users) users")
                }
            }
            try await items.flush()
            try await users.flush()
            try report(users, items.counts, Date().timeIntervalSince(started))
        }
    }

    private func report(_ users: UserImport, _ items: CatalogueImport.Counts, _ seconds: Double) throws {
        let (counts, rejects) = (users.counts, users.rejects)
        if output.json {
            try JSONOutput.print(
                Answer(
                    counts: counts, items: items, rejected: rejects.count, rejects: rejects.listed, seconds: seconds))
        } else {
            rejects.show(rest: "all listed by --json")
            if items.changed > 0 { Terminal.note("\(items.changed) items of the catalogue have a new text.") }
            Terminal.output(
                "recorded   \(Figures.count(counts.users)) users   \(Figures.count(counts.examples)) examples"
                    + "   \(Figures.count(items.added)) new items   skipped \(counts.skipped)   rejected \(rejects.count)"
                    + "   \(Figures.span(seconds: seconds))")
        }
        try rejects.end(taken: counts.users + counts.skipped)
    }
}
