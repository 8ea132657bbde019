import ArgumentParser
import Bench
import Foundation
import Model
import Registry

/// The frozen models of a deployment.
struct Bases: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base", abstract: "Register frozen models, and choose the one that serves a tenant.",
        discussion:
            "EXAMPLES:\n  attune base add models/all-MiniLM-L6-v2\n  attune base activate --tenant acme minilm-l6",
        subcommands: [Add.self, List.self, Activate.self, Perturb.self])

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
            let registered = try await connection.withDatabase { database in
                let registry = Registry(database)
                try await registry.registerBase(name: wanted, digest: base.digest, width: width)
                return try await registry.bases().first { $0.digest == base.digest }?.name ?? wanted
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
                let registry = Registry(database)
                let tenants = try await registry.tenants()
                return try await registry.bases().map { base in
                    Line(
                        base: base.name, digest: base.digest, width: base.width, registered: base.registeredAt,
                        activeFor: tenants.filter { $0.activeBase?.digest == base.digest }.map(\.name))
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
            let epoch = try await connection.withDatabase { database in
                try await Registry(database).promote(base: base, for: tenant.tenant)
            }
            if output.json { return try JSONOutput.print(Answer(tenant: tenant.tenant, base: base, epoch: epoch)) }
            Terminal.output("active     \(base) serves \(tenant.tenant), epoch \(epoch)")
        }
    }

    /// Writes another revision of one.
    struct Perturb: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a copy of a base with noise on its weights: another base, to try a base update with.",
            discussion: "EXAMPLES:\n  attune base perturb models/all-MiniLM-L6-v2 --to models/v2 --scale 0.02")

        @Argument(help: "The folder to copy.") var folder: String
        @Option(name: .customLong("to"), help: "The folder to write; it is made.") var target: String
        @Option(help: "Standard deviation of the noise, as a share of each weight; 0 to 1.") var scale = 0.02
        @Option(help: "Seed of the noise.") var seed: UInt64 = 1
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var folder: String
            var digest: String
        }

        func validate() throws {
            guard (0...1).contains(scale) else { throw ValidationError("--scale must be 0 to 1.") }
        }

        func run() async throws {
            let path = absolute(target)
            try PerturbedBase(scale: Float(scale), seed: seed).write(from: absolute(folder), to: path)
            let digest = try BaseFolder.open(path).digest
            if output.json { return try JSONOutput.print(Answer(folder: path, digest: digest)) }
            Terminal.output("written    \(path)")
            Terminal.output("digest     \(digest)")
        }
    }
}
