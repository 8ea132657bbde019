public import Adapters
public import Meta
public import Problem
import Tensor

/// Where meta-training stands, for a progress display.
public enum MetaTrainingProgress: Sendable, Equatable {
    /// The head for everyone was fitted, at the penalty that served held-out users best.
    case globalHead(penalty: Float, logLoss: Double)
    /// The outer loop passed a checkpoint.
    case learning(OuterProgress)
    /// What training goes on from if it ends here; follows each `learning`.
    case checkpoint(MetaCheckpoint)
    /// The basis that users' differences are stored in was learned.
    case basis(directions: Int, precision: CoefficientPrecision)
    /// Texts' vectors were learned: of how many texts, at the scale that served held-out users best; none where every scale served
    /// them worse than the text alone.
    case items(texts: Int, scale: Float)
    /// The support inside the encoder was chosen, of which users keep a part.
    case encoder(site: String, entries: Int, kept: Int)
    /// One figure of the finished recipe.
    case validated(ValidationFigures.Row)
}

/// Learns a recipe from users' pooled features.
///
/// The users are split by ``ScoringProtocol/isValidation(_:part:)``: four fifths are learned from, one fifth is only scored.
public struct MetaTrainer: Sendable {
    let training: MetaPopulation
    let validation: MetaPopulation
    let outer: OuterSettings
    let basis: BasisSettings
    let sides: ItemVectorSettings?
    /// Where an earlier training stood.
    var resumed: MetaCheckpoint?
    /// Penalties of the head for everyone that are tried, for features of unit norm.
    private static let penalties: [Float] = [0.3, 1.5, 6, 25, 100]
    /// Folds that the penalty is chosen on.
    private static let penaltyFolds = 3
    /// Fewer meta-users than this say nothing about the next user.
    private static let minimumUsers = 10

    /// Splits a population.
    ///
    /// - Parameters:
    ///   - part: the part of the users that is only scored, of ``ScoringProtocol/parts``.
    ///   - sides: how texts' vectors are learned from what users did with them; nil: a text is judged by what it says.
    /// - Throws: `too_few_users`.
    public init(
        _ population: MetaPopulation, holding part: Int = 0, outer: OuterSettings = OuterSettings(),
        basis: BasisSettings = BasisSettings(), sides: ItemVectorSettings? = nil, at location: String
    ) throws(Problem) {
        (training, validation) = population.split(holding: part)
        self.outer = outer
        self.basis = basis
        self.sides = sides
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
        let heads = try fitHeads(progress: progress)
        var checkpoint = self.checkpoint(baseDigest: baseDigest)
        var rules: [PreconditionedRule] = []
        for (index, start) in starts(from: heads.start).enumerated() {
            let states = checkpoint.states(ofStart: index)
            rules.append(
                try OuterLoop(training, settings: outer).learn(from: start, resuming: states) {
                    (now, states) throws(Failure) in
                    try progress(.learning(now))
                    checkpoint.set(states, ofStart: index)
                    try progress(.checkpoint(checkpoint))
                })
        }
        let rule = best(of: rules, startingAt: heads.start)
        return try recipe(name: name, baseDigest: baseDigest, heads.withoutData, rule, progress: progress)
    }

    /// The same recipe, the gradients of its outer steps computed elsewhere: bit for bit where those are.
    package func train(
        name: String, baseDigest: String, gradients: any GradientSource,
        progress: (MetaTrainingProgress) throws -> Void
    ) async throws -> Recipe {
        let heads = try fitHeads(progress: progress)
        var checkpoint = self.checkpoint(baseDigest: baseDigest)
        var rules: [PreconditionedRule] = []
        for (index, start) in starts(from: heads.start).enumerated() {
            let states = checkpoint.states(ofStart: index)
            rules.append(
                try await OuterLoop(training, settings: outer).learn(
                    from: start, resuming: states, gradients: gradients
                ) { (now, states) in
                    try progress(.learning(now))
                    checkpoint.set(states, ofStart: index)
                    try progress(.checkpoint(checkpoint))
                })
        }
        let rule = best(of: rules, startingAt: heads.start)
        return try recipe(name: name, baseDigest: baseDigest, heads.withoutData, rule, progress: progress)
    }

    /// The head of users without data, and the head that learning begins at.
    private func fitHeads<Failure>(
        progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> (withoutData: LinearHead, start: LinearHead) {
        let penalties = bestPenalties()
        try progress(.globalHead(penalty: penalties.withoutData.value, logLoss: penalties.withoutData.loss))
        return (
            fitGlobalHead(training, penalty: penalties.withoutData.value),
            fitGlobalHead(training, penalty: penalties.start.value)
        )
    }

    /// A recipe of a learned rule: with its basis, its guard and its figures.
    private func recipe<Failure>(
        name: String, baseDigest: String, _ head: LinearHead, _ rule: PreconditionedRule,
        progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> Recipe {
        var recipe = Recipe.plain(name: name, baseDigest: baseDigest, head: head)
        recipe.rule = rule
        if let items = try sideFeatures(rule, progress) {
            recipe.items = items
            recipe.rule = rule.extended(by: items.count)
            recipe.headWithoutData = head.extended(by: items.count)
        }
        let (training, validation) = (recipe.population(training), recipe.population(validation))
        recipe.settings.steps = rule.steps.count
        // Two thirds of the rows scored as well as all of them on two rating sets (the mean AUC moved by .0003), a third
        // lost .002.
        recipe.settings.rowBudget = max(1, recipe.width * 2 / 3)
        // Few users' differences do not span the next one's.
        if training.users.count >= outer.denseMinimumUsers {
            recipe.basis = HeadBasis.learned(from: training, under: recipe.rule, settings: basis)
        }
        if let basis = recipe.basis {
            try progress(.basis(directions: basis.count, precision: basis.precision))
        }
        recipe.settings.guarding = GuardSettings(
            smallSupportGain: smallSupportGain(
                recipe, validation.users.count >= Self.minimumUsers ? validation : training))
        recipe.validation = try validate(recipe, validation, progress: progress)
        return recipe
    }

    /// Penalties that serve held-out users best: of the head for everyone alone, and of the head that steps begin at.
    private struct Penalties {
        var withoutData: (value: Float, loss: Double)
        var start: (value: Float, loss: Double)
    }

    /// Tries penalties on users of some folds, with heads fitted without those; one fold alone picks by chance. A start is
    /// judged after plain steps from it: what a user's own examples correct need not be fitted closely.
    private func bestPenalties() -> Penalties {
        let first = Self.penalties[0]
        var best = Penalties(withoutData: (first, .infinity), start: (first, .infinity))
        let splits = (0..<min(Self.penaltyFolds, outer.folds)).map { fold in
            let (others, own) = training.split(fold: fold, of: outer.folds)
            return (fitted: others, held: own.keeping { !$0.query.labels.isEmpty })
        }
        for penalty in Self.penalties {
            var losses = (withoutData: 0.0, start: 0.0)
            for split in splits {
                let head = fitGlobalHead(split.fitted, penalty: penalty)
                losses.withoutData += meanLoss(split.held, under: head) / Double(splits.count)
                let plain = PreconditionedRule.plain(from: head, steps: outer.innerSteps)
                losses.start += OuterLoop.loss(of: plain, on: split.held, outer) / Double(splits.count)
            }
            if losses.withoutData < best.withoutData.loss { best.withoutData = (penalty, losses.withoutData) }
            if losses.start < best.start.loss { best.start = (penalty, losses.start) }
        }
        return best
    }

    /// Texts' vectors at the scale that serves held-out users best, vectors learned without those; nil where none was asked for,
    /// or where the text alone serves them as well.
    private func sideFeatures<Failure>(
        _ rule: PreconditionedRule, _ progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> ItemVectors? {
        guard let sides, let items = ItemVectors.learned(from: training, settings: sides) else { return nil }
        let scale = ItemVectors.bestScale(for: rule, training, settings: sides, outer, folds: Self.penaltyFolds)
        try progress(.items(texts: scale == nil ? 0 : items.digests.count, scale: scale ?? 0))
        return scale.map(items.scaled)
    }

    /// Where rules are learned from: with few users from the global head and from zero, where a step is the difference of
    /// the class means.
    private func starts(from head: LinearHead) -> [LinearHead] {
        training.users.count < outer.denseMinimumUsers ? [head, .zero(width: head.width)] : [head]
    }

    /// Whichever rule serves the users better that it was learned from.
    private func best(of rules: [PreconditionedRule], startingAt head: LinearHead) -> PreconditionedRule {
        let size = outer.supportSizes.max() ?? 32
        let losses = rules.map { adaptedLoss(training, $0, size: size) }
        let best = losses.indices.min { losses[$0] < losses[$1] }
        return best.map { rules[$0] } ?? .plain(from: head, steps: outer.innerSteps)
    }

    /// What adapting on two examples gains over the head without data, nats; I9's stand-in where a support is too
    /// small to be judged by itself.
    private func smallSupportGain(_ recipe: Recipe, _ users: MetaPopulation) -> Float {
        var settings = recipe.settings
        settings.guarding = nil
        let adapted = users.scores(
            under: users.heads(
                under: recipe.rule, settings: settings, support: 2, unadapted: recipe.headWithoutData,
                storing: recipe.form))
        let loss = meanOverUsers(adapted.map(\.meanLoss)) ?? 0
        return Float(meanLoss(users, under: recipe.headWithoutData) - loss)
    }

    private func validate<Failure>(
        _ recipe: Recipe, _ validation: MetaPopulation,
        progress: (MetaTrainingProgress) throws(Failure) -> Void
    ) throws(Failure) -> ValidationFigures {
        guard !validation.users.isEmpty else { return ValidationFigures(users: 0, rows: []) }
        let projected = recipe.project(validation.features)
        var rows: [ValidationFigures.Row] = []
        for steps in 0...recipe.rule.steps.count {
            for size in ScoringProtocol.supportSizes {
                let heads =
                    steps == 0
                    ? validation.users.map { _ in recipe.headWithoutData }
                    : validation.heads(
                        under: recipe.rule, settings: .unguarded(steps: steps, width: recipe.width), support: size,
                        unadapted: recipe.headWithoutData, projected: projected, storing: recipe.form)
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
