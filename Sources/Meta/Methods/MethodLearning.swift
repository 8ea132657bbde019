import Adapters
import Tensor

/// Learns any ``HeadMethod`` as ``OuterLoop`` learns the product's rule: the same folds, users, episodes, objective, optimiser and
/// early stopping, numbers of steps and supports drawn at random, the folds' mean the result.
///
/// Of several outer rates the one is taken whose best checkpoint serves the first fold's own users best.
package struct MethodLearning {
    /// What is learned, and from what.
    package struct Settings: Sendable, Equatable {
        /// Folds, users of a step, episodes, objective, stopping, seed.
        package var outer: OuterSettings
        /// Numbers of inner steps drawn from, one an outer step.
        package var stepCounts = [1, 2, 3, 5, 10]
        /// Outer rates tried.
        package var tensorRates: [Float] = [3e-4, 1e-3, 3e-3]

        package init(outer: OuterSettings) { self.outer = outer }
    }

    private let population: MetaPopulation
    private let context: UserContext
    private let settings: Settings
    private var objective: OuterObjective { OuterObjective(rankingShare: settings.outer.rankingShare) }

    /// - Parameters:
    ///   - population: meta-train users, over affine features.
    ///   - context: learned from the same.
    package init(_ population: MetaPopulation, context: UserContext, settings: Settings) {
        (self.population, self.context, self.settings) = (population, context, settings)
    }

    /// What learning came to.
    package struct Outcome: Sendable {
        package var method: any HeadMethod
        /// The outer rate chosen.
        package var tensorRate: Float
    }

    /// The learned method.
    ///
    /// Blocking and single-threaded; the same population, settings and machine give the same numbers.
    /// - Parameters:
    ///   - initial: where learning begins.
    ///   - folds: nil: as many as the settings say.
    package func learn(_ initial: any HeadMethod, folds: Int? = nil) -> Outcome {
        let attempts = settings.tensorRates.map { learn(initial, fold: 0, tensorRate: $0) }
        let best = attempts.indices.min { attempts[$0].loss < attempts[$1].loss } ?? 0
        var values = attempts[best].values
        let count = min(folds ?? settings.outer.folds, settings.outer.folds)
        for fold in 1..<max(1, count) {
            let other = learn(initial, fold: fold, tensorRate: settings.tensorRates[best]).values
            for index in values.indices { values[index] += other[index] }
        }
        var method = initial
        method.values = values.map { $0 / Float(count) }
        return Outcome(method: method, tensorRate: settings.tensorRates[best])
    }

    /// One fold's best checkpoint, and its loss on the fold's own users.
    private func learn(_ initial: any HeadMethod, fold: Int, tensorRate: Float) -> (values: [Float], loss: Double) {
        let outer = settings.outer
        let (others, own) = population.split(fold: fold, of: outer.folds)
        let held = batches(of: own.keeping(\.isEligible))
        let seed = outer.seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(fold)
        var sampler = EpisodeSampler(
            others.users,
            .init(usersPerStep: outer.usersPerStep, supportSizes: outer.supportSizes, queryCount: outer.queryCount),
            seed: seed)
        var random = RandomSource(seed: seed ^ 0x5EED)
        var method = initial
        var best = (values: method.values, loss: loss(method, on: held), step: 0)
        var optimizer = AdamW(count: best.values.count)
        let rates = best.values.indices.map { method.isScalar($0) ? outer.scalarRate : tensorRate }
        for step in 1...max(1, outer.maximumSteps) {
            guard let episodes = sampler.next() else { break }
            let batch = MethodBatch(
                HeadProblem(EpisodeBatch(episodes, from: population.features, scale: 1), objective), context: context)
            let gradient = method.gradient(
                batch, stepCount: settings.stepCounts[random.index(below: settings.stepCounts.count)],
                progress: Float(step) / Float(outer.maximumSteps), random: &random)
            var values = method.values
            optimizer.step(&values, gradient: gradient, gradientNorm: outer.gradientNorm, rate: { rates[$0] })
            method.values = values
            guard step % outer.stepsPerCheckpoint == 0 else { continue }
            let loss = loss(method, on: held)
            if loss < best.loss { best = (values, loss, step) }
            if step - best.step >= outer.patience * outer.stepsPerCheckpoint { break }
        }
        return (best.values, best.loss)
    }

    /// One batch a support size; none without users.
    private func batches(of held: MetaPopulation) -> [MethodBatch] {
        guard !held.users.isEmpty else { return [] }
        return settings.outer.supportSizes.map {
            MethodBatch(HeadProblem(held, support: $0, objective), context: context)
        }
    }

    /// The objective over users, support sizes and numbers of steps; 0 without users to ask.
    private func loss(_ method: any HeadMethod, on held: [MethodBatch]) -> Double {
        var losses: [Double] = []
        for batch in held {
            for count in settings.stepCounts {
                let state = method.states(batch, stepCount: count, rateScale: 1)
                losses += batch.problem.query(at: state).losses.map { Double($0) }
            }
        }
        guard !losses.isEmpty else { return 0 }
        let mean = losses.reduce(0, +) / Double(losses.count)
        return mean.isFinite ? mean : .infinity
    }
}
