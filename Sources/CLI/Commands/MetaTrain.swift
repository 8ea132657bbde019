import ArgumentParser
import ClusterTraining
import Evaluation
import Foundation
import Meta
import Model
import Population
import Postgres
import Problem
import Queue
import Recipe
import Registry

/// Learns a recipe and registers it.
struct MetaTrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meta-train",
        abstract: "Learn what adaptation starts from: the head for everyone, the start, the update rule.",
        discussion: """
            Four fifths of the users are learned from, one fifth (by hash of the user id) is only scored. With --tenant the
            recipe is registered and activated for it; the users are the tenant's own, or those of --data.

            Presets: pooled adapts a head over the base's pooled output in one step, tens of thousands of users a second, in
            75 bytes a user. dsa learns that first, and from it sparse deltas inside the encoder's last block: three steps,
            hundreds of times slower, about 1.2 kB a user; worth it where it scores better on your users.

            With --checkpoint a training that was stopped goes on with --resume, to the same recipe. With --cluster the
            gradients are jobs that workers compute; any number of them, and whichever die, make the same recipe too; what
            dsa learns after the pooled rule is learned here.

            EXAMPLES:
              attune meta-train --tenant demo
              attune meta-train --tenant demo --preset dsa
              attune meta-train --data users.jsonl.zst --tenant demo --name winter
              attune meta-train --data users.jsonl.zst --out recipe.attune
              attune meta-train --tenant demo --side-features
              attune meta-train --tenant demo --checkpoint demo.checkpoint --resume
              attune meta-train --tenant demo --cluster     # the gradients are jobs of whatever workers run
            """)

    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var base: BaseOptions
    @OptionGroup var objects: StoreOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: "Users as JSONL or JSONL.zst: {\"user\", \"examples\": [{\"text\", \"label\" or \"rating\", \"ts\"}]}.")
    var data: String?
    @Option(help: "The tenant whose users to learn from and for whom to register.") var tenant: String?
    @Option(help: "What people will call the recipe.") var name: String = "recipe"
    @Option(help: "Also write the recipe to this file.") var out: String?
    @Option(help: "What users adapt: pooled, a head; dsa, sparse deltas inside the encoder.") var preset = Preset.pooled
    @Option(help: "Seed of every draw.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Learn from at most this many users.", valueName: "count")) var users: Int = 2000
    @Flag(help: "Fewer outer steps, for a first look.") var quick = false
    @Flag(help: "Also learn what users did with each text; a text that is new is judged by what it says.")
    var sideFeatures = false
    @Option(
        help: ArgumentHelp("Write to this file where training stands, every 25 outer steps.", valueName: "file"))
    var checkpoint: String?
    @Flag(help: "Go on from --checkpoint, to the same recipe; begin where there is none.") var resume = false
    @Flag(help: "Let workers compute the gradients, as jobs of the tenant: the same recipe.") var cluster = false

    func validate() throws {
        guard tenant != nil || (data != nil && out != nil) else {
            throw ValidationError("give --tenant, or --data and --out.")
        }
        guard !sideFeatures || preset == .pooled else {
            throw ValidationError("--side-features stand beside pooled features: give them with --preset pooled.")
        }
        guard !cluster || tenant != nil else { throw ValidationError("--cluster needs --tenant, whose jobs they are.") }
        guard !resume || checkpoint != nil else { throw ValidationError("--resume needs --checkpoint.") }
    }

    func run() async throws {
        let started = Date()
        let encoder = try base.open()
        let location = data.map { absolute($0) } ?? tenant ?? ""
        let people = try await readUsers()
        var sequences: [[Int32]] = []
        let population = try MetaPopulation(people, at: location) { texts in
            if preset == .dsa { sequences = texts.map(encoder.tokens) }
            return try PooledFeatures.encode(texts, with: encoder)
        }
        var outer = OuterSettings()
        outer.seed = seed
        if quick { (outer.folds, outer.maximumSteps) = (2, 100) }
        var trainer = try MetaTrainer(
            population, outer: outer, sides: sideFeatures ? ItemVectorSettings() : nil, at: location)
        let file = checkpoint.map { CheckpointFile(path: absolute($0)) }
        let left = try file?.open(resumes: resume)
        if let file, let left { trainer = try trainer.resuming(left, baseDigest: encoder.digest, at: file.path) }
        let display = MetaTrainingDisplay()
        // Before the pooled rule is learned: users that cannot teach the encoder are told at once.
        let inside = preset == .dsa ? try sparseTrainer(population, sequences, encoder, at: location) : nil
        var recipe =
            cluster
            ? try await trainOnCluster(trainer, encoder.digest, population, file, display, resuming: left?.run)
            : try trainer.train(name: name, baseDigest: encoder.digest) { event in
                display.show(event)
                if case .checkpoint(let now) = event { try file?.write(now) }
            }
        if let inside {
            let display = MetaTrainingDisplay()
            recipe = inside.train(recipe) { display.show($0) }
        }
        let bytes = try recipe.encode()
        if let out { try Data(bytes).write(to: URL(filePath: absolute(out)), options: .atomic) }
        let digest = Recipe.digest(of: bytes)
        if let tenant { try await register(recipe, bytes, digest, for: tenant, width: encoder.width) }
        try file?.remove()
        let report = try MeasurementReport(
            config: [
                "name": name, "preset": preset.rawValue, "digest": digest, "seed": "\(seed)",
                "users": "\(people.count)",
            ],
            figures: ["meta_train.seconds": Date().timeIntervalSince(started), "recipe.bytes": Double(bytes.count)],
            tables: ["validation": recipe.validation.rows])
        if output.json { return try JSONOutput.print(report) }
        Terminal.output(
            "recipe     \(name)  \(digest.prefix(12))…  \(bytes.count) B\(tenant.map { "  active for \($0)" } ?? "")")
        display.table(recipe.validation).forEach(Terminal.output)
    }

    /// The file's users, or the tenant's with their items' texts.
    private func readUsers() async throws -> [UserExamples] {
        if let data {
            return Array(try PopulationReader.all(path: absolute(data)).prefix(users))
        }
        return try await connection.withDatabase { pool in
            try await TenantPopulation(registry: Registry(pool), inputs: AdaptationInputs(pool))
                .users(of: tenant ?? "", limit: users)
        }
    }

    /// Trains with the gradients computed by workers; however that ends, nothing of it stays in queue and store.
    private func trainOnCluster(
        _ trainer: MetaTrainer, _ baseDigest: String, _ population: MetaPopulation, _ file: CheckpointFile?,
        _ display: MetaTrainingDisplay, resuming run: Int64?
    ) async throws -> Recipe {
        let store = try objects.open(for: connection.deployment())
        return try await connection.withDatabase { pool in
            let gradients = try await ClusterGradients(
                queue: MetaRunQueue(pool), store: store, tenant: tenant ?? "", resuming: run,
                features: population.features, tell: { Terminal.note($0) })
            display.cluster = gradients
            do {
                let recipe = try await trainer.train(name: name, baseDigest: baseDigest, gradients: gradients) {
                    event in
                    display.show(event)
                    guard case .checkpoint(var now) = event else { return }
                    now.run = gradients.run
                    try file?.write(now)
                }
                try await gradients.close()
                return recipe
            } catch {
                do { try await gradients.close() } catch let left {
                    Terminal.note("cluster    objects of the run stay for a day: \(left)")
                }
                throw error
            }
        }
    }

    private func register(
        _ recipe: Recipe, _ bytes: [UInt8], _ digest: String, for tenant: String, width: Int
    ) async throws {
        let encoder = JSONEncoder()
        let figures = String(decoding: try encoder.encode(recipe.validation), as: UTF8.self)
        let baseName = URL(filePath: absolute(base.base)).lastPathComponent
        try await connection.withDatabase { pool in
            let registry = Registry(pool)
            _ = try await registry.registerBase(name: baseName, digest: recipe.baseDigest, width: width)
            if try await registry.tenant(tenant).activeBase == nil {
                _ = try await registry.promote(base: recipe.baseDigest, for: tenant)
                Terminal.note("base       \(baseName) serves \(tenant) from now on")
            }
            _ = try await registry.registerRecipe(
                bytes, name: recipe.name, baseDigest: recipe.baseDigest, tenant: tenant, figuresJSON: figures)
            _ = try await registry.activateRecipe(digest, for: tenant)
        }
    }
}
