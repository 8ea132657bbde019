public import Adapters
import Dispatch
import Foundation
import Synchronization
import Tensor

/// How the outer loop learns an ``EncoderRule``.
public struct EncoderOuterSettings: Sendable, Equatable, Codable {
    /// Inner steps of the rule.
    public var innerSteps = 3
    /// Users of an outer step.
    public var usersPerStep = 32
    /// Outer steps at most; learning also stops ``patience`` checkpoints after the best.
    public var maximumSteps = 400
    /// Outer steps between two checkpoints.
    public var stepsPerCheckpoint = 20
    /// Checkpoints without progress that end learning.
    public var patience = 4
    /// Parts of the users, of which one picks the checkpoint.
    public var folds = 6
    /// Rules learned and folded into one; each picks its checkpoint on a part of its own. Of three seeds' sparse deltas on
    /// rec-choice six are as good as the best of one and never as bad as the worst.
    public var learnedFolds = 6
    /// Support sizes drawn from, one a step.
    public var supportSizes = ScoringProtocol.supportSizes
    /// Query examples of an episode, at most.
    public var queryCount = 32
    /// Entries of each sparse delta that a user may move off the start; nil: all.
    public var entryBudget: Int?
    /// How much of the objective is ranking loss rather than log loss; within `0...1`.
    public var rankingShare: Float = 0.5
    /// AdamW's rate for the start.
    public var startRate: Float = 1e-3
    /// AdamW's rate for the logarithms of rates and for the exponent.
    public var scalarRate: Float = 2e-2
    /// The largest norm of a gradient.
    public var gradientNorm: Float = 1
    /// What of the mean over steps, which is the rule, a step leaves as it was (Polyak and Juditsky 1992, with a window).
    public var averaging: Float = 0.97
    /// Seeds every draw.
    public var seed: UInt64 = 1

    /// The defaults.
    public init() {}
}

/// Learns an ``EncoderRule`` across users: FOMAML (Finn et al. 2017, section 5.2), with the rates learned by the gradient that
/// takes those of the inner steps for constants.
///
/// `J = mean_u` of the ``OuterObjective`` of the query's logits after adapting on the support. With `q` its gradient after the last
/// step and `g_k` what step `k` is along: `dJ/dstart = mean_u q`, `dJ/dlogRate[k][t] = -mean_u rate[k][t] <q_t, g_k,t>`.
public struct EncoderOuterLoop: Sendable {
    private let texts: EncoderTexts
    private let users: [MetaUser]
    private let settings: EncoderOuterSettings
    private let threads: Int
    private var objective: OuterObjective { OuterObjective(rankingShare: settings.rankingShare) }

    /// Learns on every user that has enough examples for an episode.
    ///
    /// - Parameters:
    ///   - users: whose rows number the texts.
    ///   - threads: that compute; the result does not depend on how many.
    public init(_ texts: EncoderTexts, _ users: [MetaUser], _ settings: EncoderOuterSettings, threads: Int) {
        (self.texts, self.users, self.settings, self.threads) = (texts, users, settings, threads)
    }

    /// The learned rule: the mean of those of some folds, each the best checkpoint on a part of the users that it did not learn
    /// from.
    ///
    /// - Parameters:
    ///   - pooled: a rule of the pooled output, which learning begins at.
    ///   - plan: with a head of one score.
    ///   - progress: called at each checkpoint; throws to stop.
    public func learn<Failure>(
        from pooled: PreconditionedRule, _ plan: AdapterPlan, progress: (OuterProgress) throws(Failure) -> Void
    ) throws(Failure) -> EncoderRule {
        var random = RandomSource(seed: settings.seed)
        // All folds begin at one place, so that their mean is near them.
        let start = EncoderRule.following(
            pooled, plan, steps: settings.innerSteps, entryBudget: settings.entryBudget, &random)
        let lanes = (0..<threads).map { _ in EncoderAdaptation(texts, plan) }
        let folds = max(1, min(settings.learnedFolds, settings.folds))
        var learned: [[Float]] = []
        for fold in 0..<folds {
            learned.append(
                try learn(fold, from: start, lanes, seed: random.next()) { loss, best, step throws(Failure) in
                    try progress(OuterProgress(fold: fold, folds: folds, step: step, loss: loss, bestLoss: best))
                })
        }
        var rule = start
        rule.metaParameters = Self.mean(learned)
        return rule
    }

    /// One fold's meta-parameters.
    private func learn<Failure>(
        _ fold: Int, from start: EncoderRule, _ lanes: [EncoderAdaptation], seed: UInt64,
        progress: (_ loss: Double, _ best: Double, _ step: Int) throws(Failure) -> Void
    ) throws(Failure) -> [Float] {
        let isHeld = { (user: MetaUser) in ScoringProtocol.fold(user.id, of: settings.folds) == fold }
        let held = users.filter { isHeld($0) && $0.isEligible }
        var sampler = EpisodeSampler(
            users.filter { !isHeld($0) },
            .init(
                usersPerStep: settings.usersPerStep, supportSizes: settings.supportSizes,
                queryCount: settings.queryCount), seed: seed)
        var (rule, mean) = (start, start.metaParameters)
        var best = (loss: loss(of: start, on: held, lanes), values: mean, step: 0)
        var optimizer = AdamW(count: mean.count)
        for step in 1...max(1, settings.maximumSteps) {
            guard let episodes = sampler.next() else { break }
            let gradients = inParallel(episodes, lanes) { [rule, objective] episode, adaptation in
                Self.gradient(of: episode, rule, objective, &adaptation)
            }
            var values = rule.metaParameters
            optimizer.step(
                &values, gradient: Self.mean(gradients), gradientNorm: settings.gradientNorm,
                rate: { $0 < start.plan.parameterCount ? settings.startRate : settings.scalarRate })
            rule.metaParameters = values
            for (index, value) in values.enumerated() {
                mean[index] += (1 - settings.averaging) * (value - mean[index])
            }
            guard step % settings.stepsPerCheckpoint == 0 else { continue }
            var averaged = rule
            averaged.metaParameters = mean
            let current = loss(of: averaged, on: held, lanes)
            if current < best.loss { best = (current, mean, step) }
            try progress(current, best.loss, step)
            if step - best.step >= settings.patience * settings.stepsPerCheckpoint { break }
        }
        return best.values
    }

    /// One user's part of the outer gradient, laid out as ``EncoderRule/metaParameters``.
    package static func gradient(
        of episode: Episode, _ rule: EncoderRule, _ objective: OuterObjective, _ adaptation: inout EncoderAdaptation
    ) -> [Float] {
        var taken: [[Float]] = []
        adaptation.adapt(to: episode.support, with: rule) { taken.append($0.values) }
        let query = adaptation.gradient(of: episode.query, objective).values
        let growth = log(Float(episode.support.count))
        // What returned to the start did not come of any step.
        let moved = rule.entryBudget == nil ? nil : adaptation.lastMask
        var (byRates, byExponent): ([Float], Float) = ([], 0)
        for (step, gradient) in taken.enumerated() {
            let rates = rule.rates(step: step, examples: episode.support.count)
            for (range, rate) in zip(rule.plan.tensorRanges, rates) {
                let agreement = range.reduce(Float(0)) { $0 + query[$1] * gradient[$1] * (moved?[$1] ?? 1) }
                byRates.append(-rate * agreement)
                byExponent -= rate * agreement * growth
            }
        }
        return query + byRates + [byExponent]
    }

    private static func mean(_ gradients: [[Float]]) -> [Float] {
        var sum = [Float](repeating: 0, count: gradients.first?.count ?? 0)
        for gradient in gradients {
            for (index, value) in gradient.enumerated() { sum[index] += value / Float(gradients.count) }
        }
        return sum
    }

    /// Mean objective over users and support sizes; 0 without users to ask.
    private func loss(of rule: EncoderRule, on held: [MetaUser], _ lanes: [EncoderAdaptation]) -> Double {
        let losses = settings.supportSizes.flatMap { size in
            inParallel(held, lanes) { [objective] user, adaptation in
                adaptation.adapt(to: user.support(size), with: rule)
                let query = user.query
                return ScoredQuery(logits: adaptation.logits(of: query.rows), labels: query.labels).loss(objective)
            }
        }
        return losses.isEmpty ? 0 : losses.reduce(0, +) / Double(losses.count)
    }
}

/// What `body` makes of each item, in order; each lane runs on a thread of its own and takes the next item when it is done.
package func inParallel<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ lanes: [EncoderAdaptation], _ body: @Sendable (Item, inout EncoderAdaptation) -> Result
) -> [Result] {
    let next = Atomic(0)
    let results = Mutex([Result?](repeating: nil, count: items.count))
    DispatchQueue.concurrentPerform(iterations: lanes.count) { lane in
        var own = lanes[lane]
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < items.count else { break }
            let result = body(items[index], &own)
            results.withLock { $0[index] = result }
        }
    }
    return results.withLock { $0.compactMap(\.self) }
}
