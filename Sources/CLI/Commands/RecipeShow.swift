import Adapters
import ArgumentParser
import Foundation
import Meta
import Model
import Problem
import Recipe
import Registry
import Tensor

extension Recipes {
    /// Shows one.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a recipe is made of and the figures it was accepted on.",
            discussion: "EXAMPLES:\n  attune recipe show --tenant acme 4be1c02d")

        @OptionGroup var choice: RecipeArguments
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var recipe: RecipeLine
            var kind: Recipe.Kind
            var width: Int
            /// Coefficients that a user stores, and how; nil where rows are stored.
            var coefficients: Int?
            var precision: String?
            var items: Int?
            /// Where the delta inside the encoder sits, its entries, and how many a user keeps; nil over pooled features.
            var site: String?
            var entries: Int?
            var keptGroups: Int?
            var settings: AdaptationSettings
            var validation: ValidationFigures
        }

        func run() async throws {
            let (registered, bytes) = try await connection.withDatabase { database in
                try await choice.read(in: Registry(database))
            }
            let recipe = try Recipe(decoding: bytes, at: "recipe \(Figures.digest(registered.digest))")
            let answer = Answer(
                recipe: RecipeLine(registered), kind: recipe.kind, width: recipe.baseWidth,
                coefficients: recipe.basis?.count, precision: recipe.basis?.precision.rawValue,
                items: recipe.items?.digests.count, site: recipe.sparse?.site.description,
                entries: recipe.sparse?.support.count, keptGroups: recipe.sparse?.storage.keptGroups,
                settings: recipe.settings,
                validation: recipe.validation)
            if output.json { return try JSONOutput.print(answer) }
            show(answer)
        }

        private func stored(_ answer: Answer) -> String {
            if let entries = answer.entries, let site = answer.site, let kept = answer.keptGroups {
                return "\(kept) of \(entries) entries at \(site)"
            }
            guard let count = answer.coefficients, let precision = answer.precision else {
                return "\(answer.settings.rowBudget) rows"
            }
            return "\(count) coefficients in \(precision)"
        }

        private func show(_ answer: Answer) {
            let (line, settings) = (answer.recipe, answer.settings)
            Terminal.output("recipe     \(line.recipe)  \(line.name)\(line.isActive ? "  active" : "")")
            Terminal.output("base       \(line.base)  \(Figures.digest(line.baseDigest))  \(answer.width) features")
            if let items = answer.items {
                Terminal.output("items      vectors of \(Figures.count(items)) texts, by what users did with them")
            }
            Terminal.output(
                "a job      \(settings.steps) steps, at most \(settings.maximumExamples) examples and"
                    + " \(stored(answer)), step scale \(Figures.fixed(Double(settings.scale), 2))")
            let guarding = settings.guarding.map {
                "leave-out from \($0.minimumExamples) examples; below, a validated gain of "
                    + "\(Figures.fixed(Double($0.smallSupportGain), 4)) nats stands in"
            }
            Terminal.output("guard      \(guarding ?? "off")")
            Terminal.output("file       \(Figures.count(line.bytes)) bytes, \(Figures.dateAndTime(line.registered))")
            guard !answer.validation.rows.isEmpty else {
                return Terminal.note("no users to validate on, so no figures.")
            }
            Terminal.output("validated  on \(answer.validation.users) users")
            var table = TextTable(
                .init(title: "STEPS", alignment: .right), .init(title: "SUPPORT", alignment: .right),
                .init(title: "AUC", alignment: .right), .init(title: "LOG LOSS", alignment: .right))
            table.rows = answer.validation.rows.map { row in
                [
                    String(row.steps), String(row.support), Figures.score(row.areaUnderCurve, 3),
                    Figures.score(row.logLoss, 3),
                ]
            }
            table.show(whenEmpty: "")
        }
    }
}
