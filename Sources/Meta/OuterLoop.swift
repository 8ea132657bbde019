public import Adapters
import Tensor

/// Learns a preconditioned rule across users: several folds, each with a checkpoint picked on users it did not learn
/// from, their mean the result.
public struct OuterLoop: Sendable {
    private let population: MetaPopulation
    private let settings: OuterSettings

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
        try learn(from: start, resuming: []) { (now, _) throws(Failure) in try progress(now) }
    }

    /// The learned rule, told to nobody on the way.
    public func learn(from start: LinearHead) -> PreconditionedRule { learn(from: start) { _ in } }

    /// The learned rule, from where an earlier call stood.
    ///
    /// - Parameters:
    ///   - states: what the earlier call told last, a state a fold; none to begin.
    ///   - progress: called at each checkpoint with the states that the folds have now.
    package func learn<Failure>(
        from start: LinearHead, resuming states: [FoldState?],
        progress: (OuterProgress, [FoldState?]) throws(Failure) -> Void
    ) throws(Failure) -> PreconditionedRule {
        var states = padded(states)
        for fold in states.indices {
            var learner = learner(fold, from: start, resuming: states[fold])
            while let step = learner.next() {
                let checkpoint = learner.take(step.gradient(features: population.features))
                states[fold] = learner.state
                if let checkpoint { try progress(checkpoint, states) }
            }
            states[fold] = learner.state
        }
        return rule(of: states, from: start)
    }

    /// One fold's rule alone: its users took no part in it but for choosing the checkpoint.
    package func learn(fold: Int, from start: LinearHead) -> PreconditionedRule {
        var learner = learner(fold, from: start, resuming: nil)
        while let step = learner.next() { _ = learner.take(step.gradient(features: population.features)) }
        return learner.state.best.parameters.rule(featureScale: settings.featureScale)
    }

    /// The learned rule, its gradients computed elsewhere and all folds under way at once. It has the bits of
    /// ``learn(from:resuming:progress:)`` where the gradients have: folds do not depend on each other.
    package func learn(
        from start: LinearHead, resuming states: [FoldState?], gradients source: any GradientSource,
        progress: (OuterProgress, [FoldState?]) throws -> Void
    ) async throws -> PreconditionedRule {
        var states = padded(states)
        let (events, teller) = AsyncStream.makeStream(of: FoldEvent.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for fold in states.indices {
                group.addTask { [state = states[fold]] in
                    do {
                        try await self.learn(fold, from: start, resuming: state, gradients: source) { teller.yield($0) }
                        teller.yield(.ended)
                    } catch {
                        teller.yield(.failed)
                        throw error
                    }
                }
            }
            var open = states.count
            for await event in events {
                switch event {
                case .stands(let fold, let state, let checkpoint):
                    states[fold] = state
                    if let checkpoint { try progress(checkpoint, states) }
                case .ended: open -= 1
                case .failed: group.cancelAll()
                }
                if open == 0 || event.isFailure { break }
            }
            try await group.waitForAll()
        }
        return rule(of: states, from: start)
    }

    /// What a fold under way tells.
    private enum FoldEvent: Sendable {
        case stands(fold: Int, state: FoldState, checkpoint: OuterProgress?)
        case ended
        case failed

        var isFailure: Bool { if case .failed = self { true } else { false } }
    }

    private func learn(
        _ fold: Int, from start: LinearHead, resuming state: FoldState?, gradients source: any GradientSource,
        tell: (FoldEvent) -> Void
    ) async throws {
        var learner = learner(fold, from: start, resuming: state)
        while let step = learner.next() {
            if let checkpoint = learner.take(step.sum(try await source.gradients(of: step))) {
                tell(.stands(fold: fold, state: learner.state, checkpoint: checkpoint))
            }
        }
        tell(.stands(fold: fold, state: learner.state, checkpoint: nil))
    }

    private func padded(_ states: [FoldState?]) -> [FoldState?] {
        (0..<settings.folds).map { $0 < states.count ? states[$0] : nil }
    }

    private func learner(_ fold: Int, from start: LinearHead, resuming state: FoldState?) -> FoldLearner {
        FoldLearner(
            population, settings, fold: fold, from: .plain(from: start, steps: settings.innerSteps), resuming: state)
    }

    /// The mean of the folds at their best checkpoints.
    private func rule(of states: [FoldState?], from start: LinearHead) -> PreconditionedRule {
        MetaParameters.mean(states.compactMap { $0?.best.parameters })?.rule(featureScale: settings.featureScale)
            ?? .plain(from: start, steps: settings.innerSteps)
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
