import Adapters
public import Meta
import Model
public import Problem
import Tensor

/// How the part inside the encoder is learned: what `attune eval encoder --kind sparse` measures.
public struct SparseSettings: Sendable, Equatable {
    /// Entries of the support that users share.
    public var entries = 2048
    /// Entries that a user keeps.
    public var keptEntries = 512
    /// How the support is chosen; chance was as good as any gradient score.
    public var choice = SparseChoice.random
    /// How the rule is learned.
    public var outer = EncoderOuterSettings()

    /// The defaults.
    public init() {}
}

/// Adds the part inside the encoder to a recipe: after the pooled rule, and from it.
///
/// The delta sits at the last block's feed-forward output, below which everything is frozen and computed once a text.
public struct SparseTrainer: Sendable {
    private let texts: EncoderTexts
    private let training: [MetaUser]
    private let validation: [MetaUser]
    private let settings: SparseSettings
    private let threads: Int
    /// Fewer users with enough examples say nothing about the next user.
    private static let minimumUsers = 10

    /// Splits a population as ``MetaTrainer`` does.
    ///
    /// - Parameters:
    ///   - texts: those of the population's rows, in their order.
    ///   - threads: that compute; the result does not depend on how many.
    ///   - location: the file or tenant, for errors.
    /// - Throws: `too_few_users`: users without ``ScoringProtocol/supportMinimum`` examples and some to score teach no rates.
    public init(
        _ population: MetaPopulation, _ texts: EncoderTexts, settings: SparseSettings = SparseSettings(), threads: Int,
        at location: String
    ) throws(Problem) {
        precondition(texts.sequences.count == population.features.rows, "a text a row")
        (self.texts, self.settings, self.threads) = (texts, settings, threads)
        training = population.users.filter { !ScoringProtocol.isValidation($0.id) }
        validation = population.users.filter { ScoringProtocol.isValidation($0.id) && $0.isEligible }
        let eligible = training.count(where: \.isEligible)
        guard eligible >= Self.minimumUsers else {
            throw Problem(
                "too_few_users", at: location,
                "\(eligible) users to learn from have \(ScoringProtocol.supportMinimum) examples and more to score, at least "
                    + "\(Self.minimumUsers) are needed inside the encoder.",
                do: "add users or examples, or take --preset pooled.")
        }
    }

    /// Learns the support's scales, the start and the rates; blocking.
    ///
    /// - Parameters:
    ///   - recipe: of the pooled output, learned on the same users, without item vectors.
    ///   - progress: told as it goes; throws to stop.
    /// - Returns: the recipe with the part, its guard and its figures.
    public func train<Failure>(
        _ recipe: Recipe, progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> Recipe {
        precondition(recipe.items == nil, "the encoder knows no vectors of texts")
        let shape = texts.transformer.configuration
        let site = Site(.feedForward, block: shape.blocks - 1)
        var choice = SparsePlan.Settings(site)
        (choice.entries, choice.choice, choice.seed) = (settings.entries, settings.choice, settings.outer.seed)
        let plan = SparsePlan(choice, texts, training, recipe.rule, threads: threads).plan
        let entries = plan.sparseRanges.reduce(0) { $0 + $1.count }
        let kept = min(settings.keptEntries, entries)
        try progress(.encoder(site: "\(site)", entries: entries, kept: kept))
        var outer = settings.outer
        outer.entryBudget = kept
        let rule = try EncoderOuterLoop(texts, training, outer, threads: threads)
            .learn(from: recipe.rule, plan) { (step) throws(Failure) in try progress(.learning(step)) }
        let storage = SparseStorage(groups: .single(entries), keptGroups: kept)
        var result = recipe
        result.basis = nil
        result.sparse = SparsePart(rule, storage)
        result.settings.steps = rule.logRates.count
        let lanes = (0..<threads).map { _ in EncoderAdaptation(texts, plan) }
        func scores(_ size: Int, of users: [MetaUser], scale: Float) -> [ScoredQuery] {
            var settings = result.settings
            (settings.guarding, settings.scale) = (nil, scale)
            let job = SparseRule(rule, storage, withoutData: result.headWithoutData, settings)
            return Self.scores(size, of: users, job, lanes)
        }
        let asked = validation.count >= Self.minimumUsers ? validation : training.filter(\.isEligible)
        result.settings.guarding = GuardSettings(
            smallSupportGain: Self.meanLoss(scores(0, of: asked, scale: 1))
                - Self.meanLoss(scores(2, of: asked, scale: result.settings.scale)))
        var rows: [ValidationFigures.Row] = []
        for steps in validation.isEmpty ? [] : [0, result.settings.steps] {
            for size in ScoringProtocol.supportSizes {
                let queries = scores(steps == 0 ? 0 : size, of: validation, scale: 1)
                let row = ValidationFigures.Row(
                    steps: steps, support: size, areaUnderCurve: meanOverUsers(queries.map(\.areaUnderCurve)) ?? 0,
                    logLoss: meanOverUsers(queries.map(\.meanLoss)) ?? 0)
                rows.append(row)
                try progress(.validated(row))
            }
        }
        result.validation = ValidationFigures(users: validation.count, rows: rows)
        return result
    }

    /// Users' queries after a job on some of their examples, read back from what is stored; without any example as everybody is
    /// served.
    private static func scores(
        _ size: Int, of users: [MetaUser], _ job: SparseRule, _ lanes: [EncoderAdaptation]
    ) -> [ScoredQuery] {
        inParallel(users, lanes) { user, adaptation in
            let delta = size == 0 ? nil : adaptation.adaptation(of: user.support(size), with: job).delta
            let query = user.query
            return ScoredQuery(logits: adaptation.logits(of: query.rows, for: delta, with: job), labels: query.labels)
        }
    }

    private static func meanLoss(_ queries: [ScoredQuery]) -> Float {
        Float(meanOverUsers(queries.map(\.meanLoss)) ?? 0)
    }
}
