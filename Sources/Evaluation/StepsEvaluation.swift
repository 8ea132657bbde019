import Adapters
public import Meta
public import Problem
public import Recipe
import Tensor

/// Judges few learned steps against many hand-made ones on the head over pooled features: quality by the number of steps, and
/// what each costs.
///
/// Adam and SGD start from the head for everyone, from zero and from random numbers; rates are chosen for each start, number of
/// steps and support size by the mean AUC of the validation users, which are the scored users where there is no test file:
/// more tuning than the recipe gets.
public struct StepsEvaluation: Sendable {
    /// Numbers of steps that hand-made rules are scored after.
    public static let counts = [0, 1, 2, 3, 5, 10, 50]

    private let validation: MetaPopulation
    private let scored: MetaPopulation
    private let seed: UInt64
    private let trainingUsers: Int

    /// Splits a population and takes the users to score, as ``PersonalizationEvaluation`` does.
    ///
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, test: MetaPopulation? = nil, seed: UInt64 = 1, at location: String
    ) throws(Problem) {
        let split = population.split()
        (trainingUsers, validation) = (split.training.users.count, split.validation)
        scored = test?.keeping(\.isEligible) ?? validation
        self.seed = seed
        guard !validation.users.isEmpty, !scored.users.isEmpty else {
            throw PersonalizationEvaluation.noEligibleUsers(at: location)
        }
    }

    /// Scores the recipe and every hand-made rule.
    ///
    /// - Parameters:
    ///   - recipe: learned on the meta-train users of the same population.
    ///   - progress: how many of the runs are done.
    public func run(_ recipe: Recipe, progress: (Int, Int) throws -> Void) throws -> StepsReport {
        var builder = StepsReport.Builder(users: scored.users.count, seed: seed)
        let starts = Self.starts(recipe, seed: seed)
        let runs = ScoringProtocol.supportSizes.count * HeadDescent.allCases.count * starts.count
        var done = 0
        for size in ScoringProtocol.supportSizes {
            let settings = AdaptationSettings.unguarded(steps: recipe.settings.steps, width: recipe.width)
            let projected = recipe.project(scored.features)
            let learned = Self.timed {
                scored.heads(
                    under: recipe.rule, settings: settings, support: size, unadapted: recipe.headWithoutData,
                    projected: projected)
            }
            builder.addLearned(
                size, steps: recipe.settings.steps, scored.scores(under: learned.heads),
                secondsPerUser: learned.seconds / Double(scored.users.count))
            for rule in HeadDescent.allCases {
                for start in starts {
                    try progress(done, runs)
                    for row in handMade(rule, start, size) { builder.add(row) }
                    done += 1
                }
            }
        }
        return builder.report(
            .init(
                trainingUsers: trainingUsers, validationUsers: validation.users.count,
                scoredUsers: scored.users.count,
                rates: Dictionary(
                    uniqueKeysWithValues: HeadDescent.allCases.map {
                        ($0.rawValue, Self.rates($0))
                    }), seed: seed))
    }

    /// A named head that every user starts from.
    private struct Start {
        let name: String
        let head: LinearHead
    }

    private static func starts(_ recipe: Recipe, seed: UInt64) -> [Start] {
        var random = RandomSource(seed: seed)
        let scale = 1 / Float(recipe.width).squareRoot()
        let drawn = (0..<recipe.width).map { _ in scale * Float(random.normal()) }
        return [
            Start(name: "global_head", head: recipe.headWithoutData),
            Start(name: "zero", head: .zero(width: recipe.width)),
            Start(name: "random", head: LinearHead(weights: drawn, bias: 0)),
        ]
    }

    /// Half decades, on features of unit norm.
    static func rates(_ rule: HeadDescent) -> [Float] {
        let exponents: [Float] =
            rule == .sgd ? [-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3] : [-4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5]
        return exponents.map { Float(exponential(Double($0) * 2.302_585_092_994_046)) }
    }

    /// One rule from one start at one support size: a row for each number of steps, at the rate that was best for it.
    private func handMade(_ rule: HeadDescent, _ start: Start, _ size: Int) -> [StepsReport.Run] {
        let rates = Self.rates(rule)
        let tuning = rates.map { heads(of: validation, rule, start.head, size, rate: $0) }
        return Self.counts.enumerated().map { index, count in
            let means = tuning.map { run in
                meanOverUsers(validation.scores(under: run.map { $0[index] }).map(\.areaUnderCurve)) ?? 0
            }
            let best = means.indices.max { means[$0] < means[$1] } ?? 0
            let own = Self.timed { heads(of: scored, rule, start.head, size, rate: rates[best], counts: [count]) }
            return StepsReport.Run(
                rule: rule, start: start.name, steps: count, support: size, rate: rates[best],
                // Without a step every rate is the same.
                isRateAtEdge: count > 0 && (best == 0 || best == rates.count - 1),
                queries: scored.scores(under: own.heads.map { $0[0] }),
                secondsPerUser: own.seconds / Double(scored.users.count))
        }
    }

    /// `[users][counts]`.
    private func heads(
        of population: MetaPopulation, _ rule: HeadDescent, _ start: LinearHead, _ size: Int, rate: Float,
        counts: [Int] = Self.counts
    ) -> [[LinearHead]] {
        population.users.map { user in
            let support = OwnedExamples([user.support(size)], from: population.features, scale: 1)
            return rule.heads(
                from: start, features: support.features, labels: support.labels, rate: rate, after: counts)
        }
    }

    private static func timed<Heads>(_ body: () -> Heads) -> (heads: Heads, seconds: Double) {
        let clock = ContinuousClock()
        let started = clock.now
        let heads = body()
        return (heads, started.duration(to: clock.now) / .seconds(1))
    }
}
