import Adapters
import Bench
import Foundation
import Meta
import Model
import Population
import Postgres
import PostgresTestSupport
import Recipe
import Registry
import Tensor
import Testing

extension EndToEnd {
    /// The preset `dsa`: sparse deltas inside the encoder, learned, adapted by workers, stored and served.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(4))) struct SparseRecipeTests {
        private struct Line: Decodable {
            var text: String
            var base: Double
            var adapted: Double
        }

        private static let encoder = Result {
            try TextEncoder(BaseFolder.open(try #require(TestSettings.base)))
        }

        /// The recipe that the tenant's jobs use under a base.
        private func activeRecipe(_ site: Site) async throws -> Recipe {
            let bytes: [UInt8] = try await site.ask(
                """
                SELECT f.bytes FROM attune.active_recipe a JOIN attune.recipe_file f ON f.recipe_id = a.recipe_id
                WHERE a.base_id = 1
                """
            ).one().decode(0)
            return try Recipe(decoding: bytes, at: "active")
        }

        private func predict(_ site: Site, _ user: String, _ texts: [String]) async throws -> [Line] {
            try await site.run(["predict", Site.tenant, user, "--json"] + texts).split(separator: "\n")
                .filter { $0.hasPrefix("{") }.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        }

        /// A recipe of plain steps inside the encoder, for a base of the width of the tests'.
        private func plain(_ digest: String, _ configuration: TransformerConfiguration) -> Recipe {
            let head = LinearHead.zero(width: configuration.width)
            var recipe = Recipe.plain(name: "plain inside", baseDigest: digest, head: head)
            var random = RandomSource(seed: 4)
            let width = configuration.width
            let delta = SparseDelta.random(entries: 200, inputs: width, outputs: width, &random)
            let plan = AdapterPlan(
                configuration, [Model.Site(.feedForward, block: configuration.blocks - 1): delta], head: .binary)
            recipe.sparse = SparsePart(
                EncoderRule.following(recipe.rule, plan, steps: 2, &random),
                SparseStorage(groups: .single(200), keptGroups: 50))
            recipe.settings.steps = 2
            return recipe
        }

        @Test(
            "learned, enqueued, adapted and published; what is served is what adapting in process gives, and what knows heads only refuses it"
        )
        func endToEnd() async throws {
            try await Site.with(users: 30) { site in
                // More examples of the same catalogue than the tenant's users have.
                let people = site.folder.appending(path: "people.jsonl").path
                _ = try await site.run(
                    "sample", "--seed", "7", "--items", "40", "--users", "60", "--examples", "80", "--noise", "0",
                    "--write", people)
                _ = try await site.run(
                    "meta-train", "--tenant", Site.tenant, "--data", people, "--preset", "dsa", "--quick",
                    "--name", "inside")
                let recipe = try await activeRecipe(site)
                let part = try #require(recipe.sparse)
                #expect(recipe.kind == .sparseEncoder && recipe.name == "inside" && recipe.settings.steps == 3)
                #expect(part.storage.keptGroups == 512 && part.support.count == 2048)
                let figures = recipe.validation.rows
                #expect(
                    figures.map(\.steps) == [0, 0, 0, 0, 3, 3, 3, 3]
                        && figures.map(\.support).prefix(4) == [4, 8, 16, 32])
                #expect(figures[7].areaUnderCurve > figures[3].areaUnderCurve + 0.1, "\(figures)")

                try await site.enqueue()
                try await site.worker("one", "--until-idle").succeeds()
                let ledger = try await Ledger(of: site)
                let completed = ledger.endings["completed", default: 0]
                #expect(completed >= 15 && completed + ledger.endings["kept", default: 0] == 30, "\(ledger.endings)")
                let bytes: Double = try await site.ask(
                    "SELECT avg(stored_bytes)::float8 FROM attune.jobs WHERE state = 'completed'"
                ).one().decode(0)
                #expect(bytes > 1100 && bytes < 1300, "\(bytes) bytes a user")

                try await compare(site, recipe, part)
                let user: String = try await site.ask(
                    "SELECT user_id FROM attune.users WHERE revision IS NOT NULL ORDER BY uid LIMIT 1"
                ).one().decode(0)
                for words in [["pull"], ["export", "--format", "sentence-transformers", "--out", "x"]] {
                    let arguments = ["adapter", words[0], Site.tenant, user] + words.dropFirst()
                    let process = try site.start(arguments)
                    #expect(try await process.ending() != .exit(0))
                    let output = try process.output()
                    #expect(output.contains("inside the encoder"), "\(output)")
                }
                _ = try await site.run("adapter", "verify", Site.tenant, user)

                // A recipe of the other kind makes adapters of its own.
                try await site.activate(
                    Recipe.plain(name: "head", baseDigest: site.baseDigest, head: .zero(width: recipe.width)))
                try await site.enqueue([user])
                try await site.worker("two", "--until-idle").succeeds()
                _ = try await site.run("predict", Site.tenant, user, "a text")
                _ = try await Ledger(of: site)
            }
        }

        /// Some users' scores as they are served, and as adapting them here gives them.
        private func compare(_ site: Site, _ recipe: Recipe, _ part: SparsePart) async throws {
            let encoder = try Self.encoder.get()
            let rule = try part.rule(in: recipe, for: encoder.configuration, at: "test")
            let published: [String] = try await site.ask(
                "SELECT user_id FROM attune.users WHERE revision IS NOT NULL ORDER BY uid LIMIT 4"
            ).map { try $0.decode(0) }
            let asked = ["a quiet novel about the sea", "Ein Rezept für Brot", "fast cars"]
            for user in published {
                let index = try #require(Int(user.dropFirst(2)))
                let examples = site.population.user(index, withTexts: true).examples
                let texts = examples.compactMap(\.text) + asked
                var adaptation = EncoderAdaptation(
                    EncoderTexts(
                        encoder.transformer, texts.map(encoder.tokens), cache: PrefixCache(byteLimit: 1 << 26)),
                    rule.rule.plan)
                let support = UserSupport(
                    rows: examples.indices.map { Int32($0) }, labels: examples.map(\.label))
                let delta = try #require(adaptation.adaptation(of: support, with: rule).delta)
                let rows = (examples.count..<texts.count).map { Int32($0) }
                let own = adaptation.logits(of: rows, for: delta, with: rule)
                let general = recipe.headWithoutData.logits(of: try encoder.pooled(asked))
                let lines = try await predict(site, user, asked)
                #expect(lines.map(\.text) == asked)
                for (line, (own, general)) in zip(lines, zip(own, general)) {
                    #expect(abs(line.adapted - 1 / (1 + exp(-Double(own)))) < 1e-3, "\(user): \(line) \(own)")
                    #expect(abs(line.base - 1 / (1 + exp(-Double(general)))) < 1e-5, "\(user): \(line) \(general)")
                }
                #expect(lines.contains { abs($0.adapted - $0.base) > 1e-3 }, "\(user): \(lines)")
            }
        }

        @Test(
            "a new base for users inside the encoder: begun anew and judged there, refused in words where heads are copied"
        )
        func newBase() async throws {
            try await Site.with(users: 60) { site in
                let folder = site.folder.appending(path: "base-v2").path
                try PerturbedBase(scale: 0.01, seed: 3).write(from: try #require(TestSettings.base), to: folder)
                let base = try BaseFolder.open(folder)
                try await site.registry.registerBase(
                    name: "base-v2", digest: base.digest, width: base.configuration.width)
                try await site.activate(plain(site.baseDigest, base.configuration))
                try await site.enqueue()
                try await site.worker("one", "--until-idle").succeeds()
                #expect(try await site.count("attune.pointer WHERE revision_id IS NOT NULL") > 20)

                try await site.activate(plain(base.digest, base.configuration))
                _ = try await site.run(
                    "readapt", "--tenant", Site.tenant, "--base", "base-v2", "--canary", "40", "--margin", "0.2",
                    "--warm-start", "delta")
                let worker = try site.worker("two", "--base", try #require(TestSettings.base), "--base", folder)
                let scheduler = try site.scheduler()
                try await eventually("it may be promoted", within: 90) {
                    try await site.count("attune.campaigns WHERE can_promote") == 1
                }
                #expect(try await site.count("attune.campaign_judgement WHERE method = 'tail'") >= 10)
                _ = try await site.run("campaign", "cancel", "1")

                try await site.activate(
                    Recipe.plain(name: "heads", baseDigest: base.digest, head: .zero(width: base.configuration.width)))
                _ = try await site.run(
                    "readapt", "--tenant", Site.tenant, "--base", "base-v2", "--canary", "40", "--margin", "0.2",
                    "--warm-start", "delta")
                try await eventually("copies are refused", within: 60) {
                    try await site.count("attune.recent_errors WHERE error_class = 'adapter_kind'") > 0
                }
                try await worker.end()
                try await scheduler.end()
            }
        }
    }
}
