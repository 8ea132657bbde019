public import Adapters
import Tensor

/// Learns a preconditioned rule across users: several folds, each with a checkpoint picked on users it did not learn
/// from, their mean the result.
public struct OuterLoop: Sendable {
    private let population: MetaPopulation
    private let settings: OuterSettings
    private var objective: OuterObjective { OuterObjective(rankingShare: settings.rankingShare) }

    /// Learns on every user of a population that has enough examples for an episode.
    public init(_ population: MetaPopulation, settings: OuterSettings = OuterSettings()) {
        self.population = population
        self.settings = settings
    }

    /// The learned rule.
    ///
    /// Blocking and single-threaded; the same population, settings and machine give the same numbers.
    /// - Parameters:
    ///   - start: where `w0` and `b0` begin, and stay when there are few users.
    ///   - progress: called at each checkpoint; throws to stop.
    public func learn<Failure>(
        from start: LinearHead, progress: (OuterProgress) throws(Failure) -> Void
    ) throws(Failure) -> PreconditionedRule {
        let plain = PreconditionedRule.plain(from: start, steps: settings.innerSteps)
        var learned: [MetaParameters] = []
        for fold in 0..<settings.folds { learned.append(try learn(fold, from: plain, progress: progress)) }
        return MetaParameters.mean(learned)?.rule(featureScale: settings.featureScale) ?? plain
    }

    /// The learned rule, told to nobody on the way.
    public func learn(from start: LinearHead) -> PreconditionedRule { learn(from: start) { _ in } }

    /// One fold's rule alone: its users took no part in it but for choosing the checkpoint.
    package func learn(fold: Int, from start: LinearHead) -> PreconditionedRule {
        let plain = PreconditionedRule.plain(from: start, steps: settings.innerSteps)
        return learn(fold, from: plain) { _ in }.rule(featureScale: settings.featureScale)
    }

    /// One fold's parameters at its best checkpoint.
    private func learn<Failure>(
        _ fold: Int, from plain: PreconditionedRule, progress: (OuterProgress) throws(Failure) -> Void
    ) throws(Failure) -> MetaParameters {
        let isHeld = { (user: MetaUser) in ScoringProtocol.fold(user.id, of: settings.folds) == fold }
        let held = population.keeping { isHeld($0) && $0.isEligible }
        let isFew = population.users.count < settings.denseMinimumUsers
        var sampler = EpisodeSampler(
            population.users.filter { !isHeld($0) },
            .init(
                usersPerStep: settings.usersPerStep, supportSizes: settings.supportSizes,
                queryCount: settings.queryCount),
            seed: settings.seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(fold))
        var parameters = MetaParameters(plain, featureScale: settings.featureScale, isIsotropic: isFew)
        var best = (loss: checkpointLoss(parameters, on: held), parameters: parameters, step: 0)
        var optimizer = AdamW(count: parameters.values.count)
        for step in 1...max(1, settings.maximumSteps) {
            guard let episodes = sampler.next() else { break }
            let batch = EpisodeBatch(episodes, from: population.features, scale: settings.featureScale)
            var gradient = OuterGradient(parameters, batch, objective).evaluate().gradient
            if isFew { for index in 0...parameters.width { gradient.values[index] = 0 } }
            optimizer.step(
                &parameters.values, gradient: gradient.values, gradientNorm: settings.gradientNorm,
                rate: { [parameters] in parameters.isScalar($0) ? settings.scalarRate : settings.tensorRate })
            guard step % settings.stepsPerCheckpoint == 0 else { continue }
            let loss = checkpointLoss(parameters, on: held)
            if loss < best.loss { best = (loss, parameters, step) }
            try progress(
                OuterProgress(fold: fold, folds: settings.folds, step: step, loss: loss, bestLoss: best.loss))
            if step - best.step >= settings.patience * settings.stepsPerCheckpoint { break }
        }
        return best.parameters
    }

    /// Mean objective over users and support sizes, as a user would be served; 0 without users to ask.
    private func checkpointLoss(_ parameters: MetaParameters, on held: MetaPopulation) -> Double {
        Self.loss(of: parameters.rule(featureScale: settings.featureScale), on: held, settings)
    }

    /// What the outer loop would think of a rule: the mean of its objective over users and support sizes, each user served
    /// after all of the rule's steps; 0 without users to ask.
    package static func loss(
        of rule: PreconditionedRule, on held: MetaPopulation, _ settings: OuterSettings
    ) -> Double {
        let objective = OuterObjective(rankingShare: settings.rankingShare)
        let projected = rule.project(held.features, withoutData: rule.start)
        let adaptation = AdaptationSettings.unguarded(steps: rule.steps.count, width: rule.width)
        let losses = settings.supportSizes.flatMap { size in
            held.scores(
                under: held.heads(
                    under: rule, settings: adaptation, support: size, unadapted: rule.start, projected: projected)
            ).map { $0.loss(objective) }
        }
        return losses.isEmpty ? 0 : losses.reduce(0, +) / Double(losses.count)
    }
}
