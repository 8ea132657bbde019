import ArgumentParser
import Artifacts
import Foundation
import ObjectStore
import Postgres
import Problem
import Registry
import Serving

/// A user's adapter as a file.
struct AdapterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter",
        abstract: "Pull, export or verify a user's adapter; turn files into folders of PEFT and back.",
        subcommands: [Pull.self, Export.self, Verify.self, ImportPEFT.self, ExportPEFT.self])

    /// What the commands on stored adapters print.
    struct Answer: Codable {
        var tenant: String
        var user: String
        var revision: Int32?
        var object: String?
        var storedBytes: Int?
        var sha256: String?
        var base: String
        var recipe: String
        var file: String?
    }

    /// Reads, verifies and writes one adapter.
    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a user's adapter to a safetensors file that needs nothing else to be applied.",
            discussion: """
                The file holds the user's delta and the recipe's start head: with unit-norm features x the score is
                sigmoid(x · (start.weights + delta) + start.bias + head.bias). Under a recipe with side features x ends with
                the text's vector of the recipe (items.vectors), zeros where it has none.

                EXAMPLES:
                  attune adapter pull demo u-7 --out u-7.safetensors
                  attune adapter pull demo u-7 --number 3
                """)

        @OptionGroup var user: UserArguments
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var objects: StoreOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Where to write (default: USER.safetensors).") var out: String?
        @Option(help: "A base's name or digest (default: the active one).") var base: String?
        @Option(help: "A revision's number (default: the one in use).") var number: Int32?

        func run() async throws {
            let adapter = try await read(user, base: base, number: number, connection, objects)
            try requireRevision(adapter, user)
            let path = absolute(out ?? "\(user.user.replacing("/", with: "_")).safetensors")
            try write(try adapter.file.encoded(), to: path)
            var answer = answer(adapter, user)
            answer.file = path
            if output.json { return try JSONOutput.print(answer) }
            print(answer)
        }
    }

    /// Reads one adapter and checks every digest on the way.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a user's adapter where it is stored: pointer, bytes, digest, base, recipe.",
            discussion: "EXAMPLES:\n  attune adapter verify demo u-7")

        @OptionGroup var user: UserArguments
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var objects: StoreOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let adapter = try await read(user, base: nil, number: nil, connection, objects)
            let answer = answer(adapter, user)
            if output.json { return try JSONOutput.print(answer) }
            print(answer)
            Terminal.output(
                "verified   \(adapter.delta == nil ? "the recipe's start" : "bytes, digest, base and recipe agree")")
        }
    }

    /// Writes a file, whole or not at all.
    static func write(_ bytes: [UInt8], to path: String) throws {
        do {
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Problem("file_unwritable", at: path, "\(error).", do: "choose another --out, or free space.")
        }
    }

    /// A user without an adapter has nothing to be written.
    static func requireRevision(_ adapter: CurrentAdapter, _ user: UserArguments) throws {
        guard adapter.delta == nil else { return }
        throw Problem(
            "no_revision", at: "\(user.tenant)/\(user.user)", "the user has no adapter: the recipe's start serves.",
            do: "record examples and enqueue; attune user \(user.tenant) \(user.user) says what waits.")
    }

    static func print(_ answer: Answer) {
        Terminal.output("user       \(answer.tenant)/\(answer.user)")
        Terminal.output("revision   \(answer.revision.map { String($0) } ?? "none")")
        if let object = answer.object, let bytes = answer.storedBytes {
            Terminal.output("stored     \(bytes) B in \(object)")
        }
        Terminal.output("base       \(answer.base)")
        Terminal.output("recipe     \(answer.recipe)")
        if let file = answer.file { Terminal.output("written    \(file)") }
    }

    static func answer(_ adapter: CurrentAdapter, _ user: UserArguments) -> Answer {
        let revision = adapter.place.revision
        return Answer(
            tenant: user.tenant, user: user.user, revision: revision?.number, object: revision?.objectKey,
            storedBytes: revision?.range.count, sha256: revision.map { Digest.hexadecimal($0.sha256) },
            base: adapter.place.baseDigest, recipe: adapter.place.recipeDigest)
    }

    static func read(
        _ user: UserArguments, base: String?, number: Int32?, _ connection: DatabaseOptions, _ objects: StoreOptions
    ) async throws -> CurrentAdapter {
        try await connection.withDatabase { pool in
            try await AdapterReader(
                records: RegisteredAdapters(directory: AdapterDirectory(pool), inputs: AdaptationInputs(pool)),
                store: try objects.open(for: connection.deployment())
            ).current(tenant: user.tenant, user: user.user, base: base, number: number)
        }
    }
}
