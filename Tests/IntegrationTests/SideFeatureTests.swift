import Adapters
import Foundation
import Meta
import Model
import Postgres
import Population
import PostgresTestSupport
import Recipe
import Tensor
import Testing

extension EndToEnd {
    /// A recipe that also looks at what users did with each text, from a worker's claim to a prediction.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(2))) struct SideFeatureTests {
        private struct Line: Decodable {
            var text: String
            var base: Double
            var adapted: Double
        }

        @Test("users are served as the recipe says, texts of the catalogue by their vectors, new ones by what they say")
        func serves() async throws {
            try await Site.with(users: 60) { site in
                let recipe = try site.recipeWithItems()
                try await site.activate(recipe)
                try await site.enqueue()
                try await site.worker("one", "--until-idle").succeeds()

                let people = try site.people()
                let known = try #require(site.population.catalogue.first).text
                let texts = [known, "a text that nobody has met"]
                let encoder = try TextEncoder(BaseFolder.open(try #require(TestSettings.base)))
                let scored = recipe.features(try encoder.pooled(texts), of: texts.map { TextDigest(of: $0) })
                #expect(
                    scored.row(0).suffix(60).contains { $0 != 0 } && scored.row(1).suffix(60).allSatisfy { $0 == 0 })
                let users = people.users.map { UserSupport(rows: $0.rows, labels: $0.labels) }
                let adapted = adapt(
                    PackedSupport(features: recipe.project(recipe.population(people).features), users: users),
                    with: recipe.rule, settings: recipe.settings, storing: recipe.form)
                let served = try #require(adapted.firstIndex { $0.delta != nil })
                let expected = recipe.head(of: adapted[served].delta).logits(of: scored)

                let user = people.users[served].id
                let said = try await site.run(["predict", Site.tenant, user, "--json"] + texts)
                let lines = try said.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
                    try JSONDecoder().decode(Line.self, from: Data($0.utf8))
                }
                #expect(lines.map(\.text) == texts)
                for (line, logit) in zip(lines, expected) {
                    #expect(abs(line.adapted - 1 / (1 + exp(-Double(logit)))) < 1e-5, "\(line.text)")
                    #expect(abs(line.adapted - line.base) > 1e-4, "\(line.text): the adapter changes the score")
                }
                let out = site.folder.appending(path: "model").path
                let export = try site.start(
                    ["adapter", "export", Site.tenant, user, "--format", "sentence-transformers", "--out", out])
                #expect(try await export.ending() != .exit(0))
                #expect(try export.output().contains("side_features"))
                _ = try await Ledger(of: site)
            }
        }
    }
}
