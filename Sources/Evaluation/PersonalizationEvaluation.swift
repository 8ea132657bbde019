public import Adapters
public import Meta
public import Problem
public import Recipe
import Tensor

/// Scores recipes and their baselines by the protocol of ``ScoringProtocol``: mean over users of the AUC of their query,
/// after adapting on the S examples before it.
///
/// The recipe and every prior are learned on meta-train users only; validation users pick the baselines' penalties;
/// scored are the users of a test population, or the validation users when there is none. Where one fifth of the users is too
/// few to say anything, all are scored, each under the recipe learned without their fifth.
public struct PersonalizationEvaluation: Sendable {
    /// Parts of the users that are scored, of ``ScoringProtocol/parts``.
    public let parts: [Int]
    private let splits: [(training: MetaPopulation, validation: MetaPopulation)]
    private let test: MetaPopulation?
    private let seed: UInt64

    /// Splits a population and takes the users to score.
    ///
    /// - Parameters:
    ///   - population: the file's users.
    ///   - test: users of another file, features of the same base; nil scores the validation users.
    ///   - isCrossValidated: scores every part of the users instead of one; without test users only.
    ///   - seed: for shuffles and the bootstrap.
    ///   - location: the file, for errors.
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, test: MetaPopulation? = nil, isCrossValidated: Bool = false, seed: UInt64 = 1,
        at location: String
    ) throws(Problem) {
        precondition(test == nil || !isCrossValidated, "test users or all users")
        (parts, splits) = population.scoredParts(isCrossValidated ? ScoringProtocol.parts : 1)
        self.test = test?.keeping(\.isEligible)
        self.seed = seed
        guard !splits.isEmpty, self.test.map({ !$0.users.isEmpty }) ?? true else {
            throw Self.noEligibleUsers(at: location)
        }
    }

    static func noEligibleUsers(at location: String) -> Problem {
        Problem(
            "no_eligible_users", at: location,
            "no user has \(ScoringProtocol.supportMinimum) support examples and both classes after them.",
            do: "give users more examples.")
    }

    /// Runs every row.
    ///
    /// - Parameters:
    ///   - recipes: one of each of ``parts``, learned on the users of the same population who are not in the part.
    ///   - storedBytes: what an adapter takes in the store; nil leaves `adapter.stored_bytes` out.
    public func run(
        _ recipes: [Recipe], storedBytes: ((HeadDelta) throws -> Int)? = nil
    ) throws -> PersonalizationReport {
        precondition(recipes.count == parts.count, "a recipe of each part")
        let baselines = zip(splits, recipes).map { users, recipe in
            Baselines(
                training: users.training, validation: users.validation, globalHead: recipe.textOnly.headWithoutData)
        }
        let scored = zip(splits, recipes).map { users, recipe in
            ScoredPart(test ?? users.validation, recipe: recipe, seed: seed)
        }
        let userCount = scored.reduce(0) { $0 + $1.userCount }
        let table = ScoreTable(users: userCount, seed: seed)
        var rows: [PersonalizationReport.MethodRow] = []
        var harm: [PersonalizationReport.HarmRow] = []
        var bytes: [Int] = []
        for size in ScoringProtocol.supportSizes {
            let tuning = zip(baselines, splits).map { ($0, $1.validation) }
            let penalties = Dictionary(
                uniqueKeysWithValues: Baselines.Method.allCases.map {
                    ($0, Baselines.penalty($0, tuning, support: size))
                })
            let scores = MethodScores.joined(
                zip(scored, baselines).map { $0.scores($1, penalties, support: size) })
            rows += table.rows(scores, support: size)
            harm += table.harm(scores, support: size)
            if let storedBytes { bytes += try scored.flatMap { $0.deltas(support: size) }.map { try storedBytes($0) } }
        }
        var figures = Self.figures(rows, harm)
        if !bytes.isEmpty { figures["adapter.stored_bytes"] = Double(bytes.reduce(0, +)) / Double(bytes.count) }
        return PersonalizationReport(
            config: .init(
                trainingUsers: splits.reduce(0) { $0 + $1.training.users.count } / splits.count,
                validationUsers: splits.reduce(0) { $0 + $1.validation.users.count }, scoredUsers: userCount,
                parts: parts.count, hasTestFile: test != nil, steps: recipes[0].settings.steps,
                rowBudget: recipes[0].settings.rowBudget, seed: seed),
            figures: figures, tables: .init(methods: rows, harm: harm))
    }

    private static func figures(
        _ rows: [PersonalizationReport.MethodRow], _ harm: [PersonalizationReport.HarmRow]
    ) -> [String: Double] {
        var figures: [String: Double] = [:]
        for row in rows {
            switch row.method {
            case "global_head":
                figures["auc.global_head"] = row.areaUnderCurve.mean
                // A user without data is served by the head for everyone.
                figures["auc.s0"] = row.areaUnderCurve.mean
            default: figures["auc.\(row.method).s\(row.support)"] = row.areaUnderCurve.mean
            }
            if row.method == "product" { figures["auc.product_over_ridge.s\(row.support)"] = row.overRidge.mean }
        }
        for row in harm where row.isGuarded {
            figures["harm.significant.s\(row.support)"] = row.harmSignificant
            figures["better.significant.s\(row.support)"] = row.betterSignificant
            figures["harm.material.s\(row.support)"] = row.harmMaterial
            figures["guard.gain_kept.s\(row.support)"] = row.gainKept
        }
        return figures
    }
}
