import ArgumentParser
import Foundation
import Model
import Postgres
import Schema

/// The frozen models of a deployment.
struct Bases: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base", abstract: "Register frozen models, and choose the one that serves a tenant.",
        discussion:
            "EXAMPLES:\n  attune base add models/all-MiniLM-L6-v2\n  attune base activate --tenant acme minilm-l6",
        subcommands: [Add.self, List.self, Activate.self])

    /// Registers one.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a Hugging Face folder and register its digest; the files stay where they are.",
            discussion: """
                Every worker needs the same folder: the digest over weights, configuration and tokenizer says whether it is.

                EXAMPLES:
                  attune base add models/all-MiniLM-L6-v2
                  attune base add models/v3 --name minilm-l6-v3
                """)

        @Argument(help: "A folder with config.json, model.safetensors and tokenizer.json or vocab.txt.")
        var folder: String
        @Option(help: "What people call it; default: the folder's name.") var name: String?
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var base: String
            var digest: String
            var width: Int
        }

        func run() async throws {
            let path = absolute(folder)
            let base = try BaseFolder.open(path)
            let wanted = name ?? URL(filePath: path).lastPathComponent
            let width = base.configuration.width
            let registered: String = try await connection.withDatabase { database in
                try await database.run(
                    SQL.Queries.registerBase, [.text(wanted), .text(base.digest), .int32(Int32(width))]
                ).one().decode(0)
            }
            if registered != wanted { Terminal.note("it was registered before, as \(registered).") }
            if output.json { return try JSONOutput.print(Answer(base: registered, digest: base.digest, width: width)) }
            Terminal.output("base       \(registered)")
            Terminal.output("digest     \(base.digest)")
            Terminal.output("features   \(width)")
        }
    }

    /// Shows them.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the registered bases and the tenants that each serves.",
            discussion: "EXAMPLES:\n  attune base list")

        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Line: Encodable {
            var base: String
            var digest: String
            var width: Int
            var registered: Date
            var activeFor: [String]
        }

        func run() async throws {
            let lines = try await connection.withDatabase { database in
                try await database.run(SQL.Queries.listBases).map { row in
                    Line(
                        base: try row.decode("name"), digest: try row.decode("digest"), width: try row.decode("width"),
                        registered: try row.decode("registered_at"), activeFor: try row.decode("active_for"))
                }
            }
            if output.json { return try lines.forEach { try JSONOutput.print($0) } }
            var table = TextTable(
                .init(title: "BASE"), .init(title: "DIGEST"), .init(title: "FEATURES", alignment: .right),
                .init(title: "ACTIVE FOR"), .init(title: "REGISTERED"))
            table.rows = lines.map { line in
                [
                    line.base, Figures.digest(line.digest), String(line.width), Figures.names(line.activeFor),
                    Figures.dateAndTime(line.registered),
                ]
            }
            table.show(whenEmpty: "no base yet: attune base add FOLDER")
        }
    }

    /// Makes one serve a tenant.
    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Make a base the one that serves a tenant, at one instant; activating the one before is the way back.",
            discussion: "EXAMPLES:\n  attune base activate --tenant acme minilm-l6-v3")

        @Argument(help: "Name or digest of a registered base.") var base: String
        @OptionGroup var tenant: TenantOption
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var tenant: String
            var base: String
            var epoch: Int64
        }

        func run() async throws {
            let epoch: Int64 = try await connection.withDatabase { database in
                try await database.run(SQL.Queries.promoteBase, [.text(tenant.tenant), .text(base)]).one().decode(0)
            }
            if output.json { return try JSONOutput.print(Answer(tenant: tenant.tenant, base: base, epoch: epoch)) }
            Terminal.output("active     \(base) serves \(tenant.tenant), epoch \(epoch)")
        }
    }
}
