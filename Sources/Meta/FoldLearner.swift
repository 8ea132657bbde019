package import Tensor

/// How far a fold of the outer loop has got: all that it goes on from, and nothing else.
package struct FoldState: Sendable, Equatable {
    /// Parameters at the checkpoint that served the held users best.
    package struct Best: Sendable, Equatable {
        /// Mean objective of the held users, nats.
        package var loss: Double
        /// The outer step it was reached at.
        package var step: Int
        package var parameters: MetaParameters

        package init(loss: Double, step: Int, parameters: MetaParameters) {
            (self.loss, self.step, self.parameters) = (loss, step, parameters)
        }
    }

    /// What only a fold needs that has not ended.
    package struct Running: Sendable, Equatable {
        /// Outer steps taken.
        package var step: Int
        package var parameters: MetaParameters
        package var optimizer: AdamW
        /// What the next episodes are drawn from.
        package var random: RandomSource

        package init(step: Int, parameters: MetaParameters, optimizer: AdamW, random: RandomSource) {
            (self.step, self.parameters, self.optimizer, self.random) = (step, parameters, optimizer, random)
        }
    }

    package var best: Best
    /// Nil once the fold has ended.
    package var running: Running?

    package init(best: Best, running: Running?) { (self.best, self.running) = (best, running) }
}

/// One fold of the outer loop as a state machine: it says which gradient it wants next and takes it when it is there, however
/// that was computed.
package struct FoldLearner: Sendable {
    /// Where it stands after the last gradient taken.
    package private(set) var state: FoldState
    private let fold: Int
    private let settings: OuterSettings
    private let held: MetaPopulation
    private let isFew: Bool
    /// Draws the step that is asked for next; its source is that of the state until the step is taken.
    private var sampler: EpisodeSampler
    /// The step that was asked for and not taken yet.
    private var pending: OuterStep?

    /// Begins a fold at a rule, or goes on from where one stood.
    package init(
        _ population: MetaPopulation, _ settings: OuterSettings, fold: Int, from plain: PreconditionedRule,
        resuming state: FoldState? = nil
    ) {
        let (others, own) = population.split(fold: fold, of: settings.folds)
        held = own.keeping(\.isEligible)
        isFew = population.users.count < settings.denseMinimumUsers
        (self.fold, self.settings) = (fold, settings)
        if let state {
            self.state = state
        } else {
            let parameters = MetaParameters(plain, featureScale: settings.featureScale, isIsotropic: isFew)
            let loss = OuterLoop.loss(of: parameters.rule(featureScale: settings.featureScale), on: held, settings)
            self.state = FoldState(
                best: .init(loss: loss, step: 0, parameters: parameters),
                running: .init(
                    step: 0, parameters: parameters, optimizer: AdamW(count: parameters.values.count),
                    random: RandomSource(seed: settings.seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(fold))))
        }
        sampler = EpisodeSampler(
            others.users,
            .init(
                usersPerStep: settings.usersPerStep, supportSizes: settings.supportSizes,
                queryCount: settings.queryCount), random: self.state.running?.random ?? RandomSource(seed: 0))
    }

    /// The step whose gradient ``take(_:)`` is to get; the same one until it has. Nil when the fold has ended.
    package mutating func next() -> OuterStep? {
        if let pending { return pending }
        guard let running = state.running, let episodes = sampler.next() else { return nil }
        pending = OuterStep(
            fold: fold, number: running.step + 1, parameters: running.parameters,
            shards: OuterStep.cut(episodes, into: settings.shardsPerStep), featureScale: settings.featureScale,
            objective: OuterObjective(rankingShare: settings.rankingShare))
        return pending
    }

    /// Takes the step that ``next()`` gave; says how the fold stands where this is a checkpoint.
    package mutating func take(_ gradient: MetaParameters) -> OuterProgress? {
        guard var running = state.running, pending != nil else { return nil }
        pending = nil
        var gradient = gradient
        if isFew { for index in 0...gradient.width { gradient.values[index] = 0 } }
        running.optimizer.step(
            &running.parameters.values, gradient: gradient.values, gradientNorm: settings.gradientNorm,
            rate: { [parameters = running.parameters] in
                parameters.isScalar($0) ? settings.scalarRate : settings.tensorRate
            })
        running.random = sampler.random
        running.step += 1
        let step = running.step
        var isOver = step >= max(1, settings.maximumSteps)
        var progress: OuterProgress?
        if step % settings.stepsPerCheckpoint == 0 {
            let rule = running.parameters.rule(featureScale: settings.featureScale)
            let loss = OuterLoop.loss(of: rule, on: held, settings)
            if loss < state.best.loss { state.best = .init(loss: loss, step: step, parameters: running.parameters) }
            progress = OuterProgress(
                fold: fold, folds: settings.folds, step: step, loss: loss, bestLoss: state.best.loss)
            isOver = isOver || step - state.best.step >= settings.patience * settings.stepsPerCheckpoint
        }
        state.running = isOver ? nil : running
        return progress
    }
}
