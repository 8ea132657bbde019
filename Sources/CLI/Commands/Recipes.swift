import ArgumentParser
import Foundation
import Problem
import Recipe
import Registry

/// The recipes of a deployment.
struct Recipes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe", abstract: "See what adaptation starts from, and choose the recipe that a tenant uses.",
        discussion: "EXAMPLES:\n  attune recipe list --tenant acme\n  attune recipe activate --tenant acme 4be1c02d",
        subcommands: [List.self, Show.self, Activate.self, Export.self])

    /// Shows them.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the recipes that a tenant may use, newest first.",
            discussion: "EXAMPLES:\n  attune recipe list --tenant acme")

        @OptionGroup var tenant: TenantOption
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let lines = try await connection.withDatabase { database in
                let registry = Registry(database)
                _ = try await registry.tenant(tenant.tenant)
                return try await registry.recipes(for: tenant.tenant).map { RecipeLine($0) }
            }
            if output.json { return try lines.forEach { try JSONOutput.print($0) } }
            var table = TextTable(
                .init(title: "RECIPE"), .init(title: "NAME"), .init(title: "BASE"), .init(title: "ACTIVE"),
                .init(title: "BYTES", alignment: .right), .init(title: "REGISTERED"))
            table.rows = lines.map { line in
                [
                    Figures.digest(line.recipe), line.name, line.base, line.isActive ? "yes" : "–",
                    Figures.count(line.bytes), Figures.dateAndTime(line.registered),
                ]
            }
            table.show(whenEmpty: "no recipe yet: attune meta-train --tenant \(tenant.tenant)")
        }
    }

    /// Makes a tenant use one.
    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a tenant's jobs use a recipe from their next claim on.",
            discussion: "EXAMPLES:\n  attune recipe activate --tenant acme 4be1c02d")

        @OptionGroup var choice: RecipeArguments
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var tenant: String
            var recipe: String
            var epoch: Int64
        }

        func run() async throws {
            let answer = try await connection.withDatabase { database in
                let registry = Registry(database)
                let recipe = try await choice.find(in: registry)
                let epoch = try await registry.activateRecipe(recipe.digest, for: choice.tenant.tenant)
                return Answer(tenant: choice.tenant.tenant, recipe: recipe.digest, epoch: epoch)
            }
            if output.json { return try JSONOutput.print(answer) }
            Terminal.output(
                "active     \(Figures.digest(answer.recipe)) for \(answer.tenant)'s jobs, epoch \(answer.epoch)")
        }
    }

    /// Writes the file.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a recipe's file: safetensors that other tools read too.",
            discussion: "EXAMPLES:\n  attune recipe export --tenant acme 4be1c02d --to recipe.safetensors")

        @OptionGroup var choice: RecipeArguments
        @Option(name: .customLong("to"), help: "The file to write; one that exists is replaced.", completion: .file())
        var path: String
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var recipe: String
            var file: String
            var bytes: Int
        }

        func run() async throws {
            let (recipe, bytes) = try await connection.withDatabase { database in
                try await choice.read(in: Registry(database))
            }
            do {
                try Data(bytes).write(to: URL(filePath: path), options: .atomic)
            } catch {
                throw Problem(
                    "file_unwritable", at: path, "cannot be written.", do: "check the folder, its owner and free space."
                )
            }
            if output.json {
                return try JSONOutput.print(Answer(recipe: recipe.digest, file: path, bytes: bytes.count))
            }
            Terminal.output("written    \(path)   \(Figures.count(bytes.count)) bytes, SHA-256 \(recipe.digest)")
        }
    }
}

/// A recipe as `attune recipe list --json` prints it.
struct RecipeLine: Encodable {
    var recipe: String
    var name: String
    var kind: String
    var base: String
    var baseDigest: String
    var bytes: Int
    var isActive: Bool
    var isShared: Bool
    var registered: Date

    init(_ recipe: RegisteredRecipe) {
        self.recipe = recipe.digest
        name = recipe.name
        kind = recipe.kind
        base = recipe.baseName
        baseDigest = recipe.baseDigest
        bytes = recipe.byteCount
        isActive = recipe.isActive
        isShared = recipe.isShared
        registered = recipe.registeredAt
    }
}

/// One of the recipes that a tenant may use, by name or the first digits of its digest.
struct RecipeArguments: ParsableArguments {
    @Argument(help: "Digest, its first digits, or a name that only one recipe has.") var recipe: String
    @OptionGroup var tenant: TenantOption

    /// - Throws: `unknown_tenant`, `unknown_recipe`, `ambiguous`.
    func find(in registry: Registry) async throws -> RegisteredRecipe {
        _ = try await registry.tenant(tenant.tenant)
        let found = try await registry.recipes(for: tenant.tenant).filter {
            $0.name == recipe || (recipe.count >= 4 && $0.digest.hasPrefix(recipe))
        }
        guard let first = found.first else {
            throw Problem(
                "unknown_recipe", at: tenant.tenant, "no recipe \(Problem.excerpt(recipe)) that it may use.",
                do: "attune recipe list --tenant \(tenant.tenant)")
        }
        guard found.allSatisfy({ $0.digest == first.digest }) else {
            throw Problem(
                "ambiguous", at: tenant.tenant,
                "\(found.count) recipes are called \(Problem.excerpt(recipe)): "
                    + "\(Figures.names(found.map { Figures.digest($0.digest) })).",
                do: "name one by the first digits of its digest.")
        }
        return first
    }

    /// The recipe's file, checked against its digest.
    func read(in registry: Registry) async throws -> (RegisteredRecipe, [UInt8]) {
        let recipe = try await find(in: registry)
        let bytes = try await registry.recipeBytes(recipe.digest)
        let actual = Recipe.digest(of: bytes)
        guard actual == recipe.digest else {
            throw Problem(
                "digest_mismatch", at: "recipe \(Figures.digest(recipe.digest))",
                "the stored bytes have SHA-256 \(Figures.digest(actual)).",
                do: "restore attune.recipe_file from a backup.")
        }
        return (recipe, bytes)
    }
}
