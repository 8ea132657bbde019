import Adapters
public import Meta
public import Problem
import Tensor

/// Where meta-training stands, for a progress display.
public enum MetaTrainingProgress: Sendable, Equatable {
    /// The head for everyone was fitted, at the penalty that served held-out users best.
    case globalHead(penalty: Float, logLoss: Double)
    /// The outer loop passed a checkpoint.
    case learning(OuterProgress)
    /// One figure of the finished recipe.
    case validated(ValidationFigures.Row)
}

/// Learns a recipe from users' pooled features.
///
/// The users are split by ``ScoringProtocol/isValidation(_:)``: four fifths are learned from, one fifth is only scored.
public struct MetaTrainer: Sendable {
    private let training: MetaPopulation
    private let validation: MetaPopulation
    private let outer: OuterSettings
    /// Penalties of the head for everyone that are tried, for features of unit norm.
    private static let penalties: [Float] = [0.3, 1.5, 6, 25, 100]
    /// Fewer meta-users than this say nothing about the next user.
    private static let minimumUsers = 10

    /// Splits a population.
    ///
    /// - Throws: `too_few_users`.
    public init(_ population: MetaPopulation, outer: OuterSettings = OuterSettings(), at location: String)
        throws(Problem)
    {
        training = population.keeping { !ScoringProtocol.isValidation($0.id) }
        validation = population.keeping { ScoringProtocol.isValidation($0.id) && $0.isEligible }
        self.outer = outer
        guard training.users.count >= Self.minimumUsers else {
            throw Problem(
                "too_few_users", at: location,
                "\(training.users.count) users to learn from, at least \(Self.minimumUsers) are needed.",
                do: "add users; some hundreds give a learned preconditioner.")
        }
    }

    /// Learns the recipe; blocking, single-threaded, the same numbers for the same input and machine.
    ///
    /// - Parameters:
    ///   - name: what people will call it.
    ///   - baseDigest: the base that made the features.
    ///   - progress: told as it goes; throws to stop.
    public func train<Failure>(
        name: String, baseDigest: String, progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> Recipe {
        let penalty = bestPenalty()
        try progress(.globalHead(penalty: penalty.value, logLoss: penalty.loss))
        let head = fitGlobalHead(training, penalty: penalty.value)
        let rule = try learn(from: head, progress: progress)
        var recipe = Recipe.plain(name: name, baseDigest: baseDigest, head: head)
        recipe.rule = rule
        recipe.settings.steps = rule.steps.count
        // Two thirds of the rows scored as well as all of them on two rating sets (the mean AUC moved by .0003), a third
        // lost .002.
        recipe.settings.rowBudget = max(1, head.width * 2 / 3)
        recipe.settings.guarding = GuardSettings(smallSupportGain: smallSupportGain(recipe))
        recipe.validation = try validate(recipe, progress: progress)
        return recipe
    }

    /// The penalty whose head, fitted on the other folds, has the least log loss on the first fold's users.
    private func bestPenalty() -> (value: Float, loss: Double) {
        let isHeld = { (user: MetaUser) in ScoringProtocol.fold(user.id, of: outer.folds) == 0 }
        let fitted = training.keeping { !isHeld($0) }
        let held = training.keeping { isHeld($0) && !$0.query.labels.isEmpty }
        var best: (value: Float, loss: Double)?
        for penalty in Self.penalties {
            let loss = meanLoss(held, under: fitGlobalHead(fitted, penalty: penalty))
            if best.map({ loss < $0.loss }) ?? true { best = (penalty, loss) }
        }
        return best ?? (Self.penalties[0], 0)
    }

    /// Learns the rule; with few users from the global head and from zero (where a step is the difference of the
    /// class means), keeping whichever serves them better.
    private func learn<Failure>(
        from head: LinearHead, progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> PreconditionedRule {
        let loop = OuterLoop(training, settings: outer)
        let starts = training.users.count < outer.denseMinimumUsers ? [head, .zero(width: head.width)] : [head]
        var best: (rule: PreconditionedRule, loss: Double)?
        for start in starts {
            let rule = try loop.learn(from: start) { (step) throws(Failure) in try progress(.learning(step)) }
            let loss = adaptedLoss(training, rule, size: outer.supportSizes.max() ?? 32)
            if best.map({ loss < $0.loss }) ?? true { best = (rule, loss) }
        }
        return best?.rule ?? .plain(from: head, steps: outer.innerSteps)
    }

    /// What adapting on two examples gains over the head without data, nats; I9's stand-in where a support is too
    /// small to be judged by itself.
    private func smallSupportGain(_ recipe: Recipe) -> Float {
        let users = validation.users.count >= Self.minimumUsers ? validation : training
        var settings = recipe.settings
        settings.guarding = nil
        let adapted = users.scores(
            under: users.heads(
                under: recipe.rule, settings: settings, support: 2, unadapted: recipe.headWithoutData))
        let loss = meanOverUsers(adapted.map(\.meanLoss)) ?? 0
        return Float(meanLoss(users, under: recipe.headWithoutData) - loss)
    }

    private func validate<Failure>(
        _ recipe: Recipe, progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> ValidationFigures {
        guard !validation.users.isEmpty else { return ValidationFigures(users: 0, rows: []) }
        let projected = recipe.rule.project(validation.features)
        var rows: [ValidationFigures.Row] = []
        for steps in 0...recipe.rule.steps.count {
            for size in ScoringProtocol.supportSizes {
                let heads =
                    steps == 0
                    ? validation.users.map { _ in recipe.headWithoutData }
                    : validation.heads(
                        under: recipe.rule, settings: .unguarded(steps: steps, width: recipe.width), support: size,
                        unadapted: recipe.headWithoutData, projected: projected)
                let scores = validation.scores(under: heads)
                let row = ValidationFigures.Row(
                    steps: steps, support: size, areaUnderCurve: meanOverUsers(scores.map(\.areaUnderCurve)) ?? 0,
                    logLoss: meanOverUsers(scores.map(\.meanLoss)) ?? 0)
                rows.append(row)
                try progress(.validated(row))
            }
        }
        return ValidationFigures(users: validation.users.count, rows: rows)
    }

    private func meanLoss(_ users: MetaPopulation, under head: LinearHead) -> Double {
        meanOverUsers(users.scores(under: users.users.map { _ in head }).map(\.meanLoss)) ?? 0
    }

    private func adaptedLoss(_ users: MetaPopulation, _ rule: PreconditionedRule, size: Int) -> Double {
        let heads = users.heads(
            under: rule, settings: .unguarded(steps: rule.steps.count, width: rule.width), support: size,
            unadapted: rule.start)
        return meanOverUsers(users.scores(under: heads).map(\.meanLoss)) ?? 0
    }
}
