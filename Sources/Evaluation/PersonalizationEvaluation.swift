public import Adapters
public import Meta
public import Problem
public import Recipe
import Tensor

/// Scores a recipe and its baselines by the protocol of ``ScoringProtocol``: mean over users of the AUC of their query,
/// after adapting on the S examples before it.
///
/// The recipe and every prior are learned on meta-train users only; validation users pick the baselines' penalties;
/// scored are the users of a test population, or the validation users when there is none.
public struct PersonalizationEvaluation: Sendable {
    private let training: MetaPopulation
    private let validation: MetaPopulation
    private let scored: MetaPopulation
    private let hasTest: Bool
    private let seed: UInt64

    /// Splits a population and takes the users to score.
    ///
    /// - Parameters:
    ///   - population: the file's users.
    ///   - test: users of another file, features of the same base; nil scores the validation users.
    ///   - seed: for shuffles and the bootstrap.
    ///   - location: the file, for errors.
    /// - Throws: `no_eligible_users`.
    public init(_ population: MetaPopulation, test: MetaPopulation? = nil, seed: UInt64 = 1, at location: String)
        throws(Problem)
    {
        training = population.keeping { !ScoringProtocol.isValidation($0.id) }
        validation = population.keeping { ScoringProtocol.isValidation($0.id) && $0.isEligible }
        scored = test?.keeping(\.isEligible) ?? validation
        hasTest = test != nil
        self.seed = seed
        guard !validation.users.isEmpty, !scored.users.isEmpty else {
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
    ///   - recipe: learned on the meta-train users of the same population.
    ///   - storedBytes: what an adapter takes in the store; nil leaves `adapter.stored_bytes` out.
    public func run(
        _ recipe: Recipe, storedBytes: ((HeadDelta) throws -> Int)? = nil
    ) throws -> PersonalizationReport {
        let table = ScoreTable(scored, recipe: recipe, seed: seed)
        let baselines = Baselines(training: training, validation: validation, globalHead: recipe.headWithoutData)
        var rows: [PersonalizationReport.MethodRow] = []
        var harm: [PersonalizationReport.HarmRow] = []
        var bytes: [Int] = []
        for size in ScoringProtocol.supportSizes {
            let scores = table.scores(baselines, support: size)
            rows += table.rows(scores, support: size)
            harm += table.harm(scores, support: size)
            if let storedBytes { bytes += try table.deltas(support: size).map { try storedBytes($0) } }
        }
        var figures = Self.figures(rows, harm)
        if !bytes.isEmpty { figures["adapter.stored_bytes"] = Double(bytes.reduce(0, +)) / Double(bytes.count) }
        return PersonalizationReport(
            config: .init(
                trainingUsers: training.users.count, validationUsers: validation.users.count,
                scoredUsers: scored.users.count, hasTestFile: hasTest, steps: recipe.settings.steps,
                rowBudget: recipe.settings.rowBudget, seed: seed),
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
