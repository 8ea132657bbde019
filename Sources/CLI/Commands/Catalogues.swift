import ArgumentParser
import Foundation
import Population
import Registry

/// The catalogues of a tenant.
struct Catalogues: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalogue", abstract: "Import the items that examples may name instead of carrying a text.",
        discussion: "EXAMPLES:\n  attune catalogue import --tenant acme items.jsonl",
        subcommands: [Import.self])

    /// Brings items.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import items from JSON lines with id and text, or CSV with the columns id,text.",
            discussion: """
                Items that are there take the new text. Files may be zstd-compressed.

                EXAMPLES:
                  attune catalogue import --tenant acme items.jsonl
                  attune catalogue import --tenant acme items.csv --catalogue films
                """)

        @Argument(help: "JSON lines or, named .csv, comma-separated values.", completion: .file()) var file: String
        @Option(help: "Name of the catalogue.") var catalogue = "default"
        @OptionGroup var tenant: TenantOption
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var items: Int
            var added: Int
            var changed: Int
            var rejected: Int
            var rejects: [RejectList.Reject]
            var seconds: Double
        }

        func run() async throws {
            let started = Date()
            var reader = try ItemFile(path: file)
            var rejects = RejectList()
            let counts = try await connection.withDatabase { database in
                let registry = Registry(database)
                _ = try await registry.tenant(tenant.tenant)
                var items = CatalogueImport(registry: registry, tenant: tenant.tenant, catalogue: catalogue)
                while let entry = try reader.next() {
                    switch entry {
                    case .item(let item): try await items.add(id: item.id, text: item.text)
                    case .refused(let problem): rejects.add(problem)
                    }
                }
                try await items.flush()
                return items.counts
            }
            let seconds = Date().timeIntervalSince(started)
            if output.json {
                try JSONOutput.print(
                    Answer(
                        items: counts.items, added: counts.added, changed: counts.changed, rejected: rejects.count,
                        rejects: rejects.listed, seconds: seconds))
            } else {
                rejects.show(rest: "all listed by --json")
                Terminal.output(
                    "imported   \(Figures.count(counts.items)) items   \(Figures.count(counts.added)) new"
                        + "   \(Figures.count(counts.changed)) changed   rejected \(rejects.count)"
                        + "   \(Figures.span(seconds: seconds))")
            }
            try rejects.end(taken: counts.items)
        }
    }
}
