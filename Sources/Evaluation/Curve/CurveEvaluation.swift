import Adapters
public import Meta
public import Problem
public import Recipe
import Tensor

/// The K-curve: quality by the number of inner steps, of the product's rule, of the ways to learn a start or a step that the
/// literature knows, and of what learns nothing across users, all on the same head over the same features.
///
/// Methods are learned on meta-train users only, their checkpoints and outer rates chosen on an inner split of those. Then every
/// method has up to nine settings (its rate, penalty or damping), of which the validation users' mean AUC picks one for each
/// number of steps and support size; the product has none. Without a test file those are the scored users: the rivals' figures
/// are then a little too good, the product's not.
public struct CurveEvaluation: Sendable {
    private let training: MetaPopulation
    private let validation: MetaPopulation
    private let scored: MetaPopulation
    private let seed: UInt64

    /// Splits a population and takes the users to score, as ``PersonalizationEvaluation`` does.
    ///
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, test: MetaPopulation? = nil, seed: UInt64 = 1, at location: String
    ) throws(Problem) {
        (training, validation) = population.split()
        scored = test?.keeping(\.isEligible) ?? validation
        self.seed = seed
        guard !validation.users.isEmpty, !scored.users.isEmpty else {
            throw PersonalizationEvaluation.noEligibleUsers(at: location)
        }
    }

    /// Learns and scores every method.
    ///
    /// - Parameters:
    ///   - recipe: the product, learned on the meta-train users of the same population.
    ///   - settings: what is learned and how.
    ///   - progress: how many of the methods are learned.
    public func run(
        _ recipe: Recipe, settings: CurveSettings, progress: (Int, Int) throws -> Void
    ) throws -> CurveReport {
        let tuning = CurvePeople(validation, general: recipe.headWithoutData)
        let judged = CurvePeople(scored, general: recipe.headWithoutData)
        let learned = try CurveLearning(training, recipe, settings)
            .contestants(judging: judged, progress: progress)
        let baselines = Baselines(
            training: training, validation: validation, globalHead: recipe.headWithoutData)
        var builder = CurveReport.Builder(
            users: scored.users.count, seed: seed, general: judged.general, stepCounts: settings.stepCounts)
        let contestants = self.contestants(recipe, baselines, judged, settings) + learned
        for size in ScoringProtocol.supportSizes {
            for contestant in contestants {
                for count in contestant.steps {
                    builder.add(Self.best(contestant, size, count, tuning, judged))
                }
            }
            for (name, heads) in attacked(recipe, baselines, size) {
                builder.addMembership(
                    name, size,
                    MembershipInference.areas(scored, heads: heads, general: recipe.headWithoutData, support: size))
            }
        }
        return builder.report(
            .init(
                trainingUsers: training.users.count, validationUsers: validation.users.count,
                scoredUsers: scored.users.count,
                isTunedOnScoredUsers: validation.users.map(\.id) == scored.users.map(\.id),
                settingsPerMethod: CurveContestant.triedSettings, folds: settings.learning.outer.folds,
                maximumOuterSteps: settings.learning.outer.maximumSteps,
                usersPerOuterStep: settings.learning.outer.usersPerStep,
                outerRates: settings.learning.tensorRates, seed: seed))
    }

    /// Whose heads are asked what they give away: the rule's, the same as its stored bytes give it, what jobs publish, half way and
    /// guarded, and for comparison what a tuned logistic regression fits.
    private func attacked(
        _ recipe: Recipe, _ baselines: Baselines, _ size: Int
    ) -> [(name: String, heads: [LinearHead])] {
        let whole = AdaptationSettings.unguarded(steps: recipe.rule.steps.count, width: recipe.width)
        func heads(_ settings: AdaptationSettings, _ form: DeltaForm) -> [LinearHead] {
            scored.heads(
                under: recipe.rule, settings: settings, support: size, unadapted: recipe.headWithoutData,
                storing: form)
        }
        let penalty = Baselines.penalty(.logistic, [(baselines, validation)], support: size)
        return [
            ("product", heads(whole, .full(.float32))), ("stored", heads(whole, recipe.form)),
            ("published", heads(recipe.settings, recipe.form)),
            ("logistic", baselines.heads(.logistic, for: scored, support: size, penalty: penalty)),
        ]
    }

    /// What needs no learning beyond the recipe.
    private func contestants(
        _ recipe: Recipe, _ baselines: Baselines, _ people: CurvePeople, _ settings: CurveSettings
    ) -> [CurveContestant] {
        let steps = settings.stepCounts
        var random = RandomSource(seed: seed)
        let scale = 1 / Float(recipe.width).squareRoot()
        let drawn = LinearHead(weights: (0..<recipe.width).map { _ in scale * Float(random.normal()) }, bias: 0)
        let starts = [("global", recipe.headWithoutData), ("zero", .zero(width: recipe.width)), ("random", drawn)]
        let rule = [recipe.rule.steps.count: recipe.rule]
        return [
            .product("product", recipe, rule, of: people, steps: steps),
            .product("product_swapped", recipe, rule, of: people, steps: steps, swapsUsers: true), .globalHead,
            .neighbours,
        ] + Baselines.Method.allCases.map { .closedForm($0, baselines) }
            + HeadDescent.allCases.flatMap { descent in
                starts.map { .handMade(descent, $0.0, $0.1, steps: steps) }
            }
    }

    /// A method at the settings that serve the validation users best: one by AUC for the curve, one by log loss for its gain, since
    /// an order of items says nothing of how sure a method should be.
    private static func best(
        _ contestant: CurveContestant, _ size: Int, _ count: Int, _ tuning: CurvePeople, _ judged: CurvePeople
    ) -> CurveReport.Run {
        let settings = contestant.settings(at: count)
        let tried = settings.count > 1 ? settings.map { contestant.score(tuning, size, count, $0) } : []
        let areas = tried.map { meanOverUsers($0.map(\.areaUnderCurve)) ?? 0 }
        let losses = tried.map { meanOverUsers($0.map(\.meanLoss)) ?? 0 }
        let best = areas.indices.max { areas[$0] < areas[$1] } ?? 0
        let surest = losses.indices.min { losses[$0] < losses[$1] } ?? 0
        let (queries, seconds) = timed { contestant.score(judged, size, count, settings[best]) }
        let calibrated = surest == best ? queries : contestant.score(judged, size, count, settings[surest])
        return CurveReport.Run(
            method: contestant.name, hasSteps: contestant.steps.count > 1, steps: count, support: size,
            queries: queries, calibrated: contestant.isCalibrated ? calibrated : nil,
            setting: tried.isEmpty ? nil : settings[best],
            isSettingAtEdge: !tried.isEmpty && (best == 0 || best == settings.count - 1),
            secondsPerUser: seconds / Double(judged.users.users.count))
    }

    /// The shortest of three times: what else the machine does only ever lengthens one.
    private static func timed(_ body: () -> [ScoredQuery]) -> (queries: [ScoredQuery], seconds: Double) {
        let clock = ContinuousClock()
        var (queries, least) = ([ScoredQuery](), Double.infinity)
        for _ in 0..<3 {
            let started = clock.now
            queries = body()
            least = min(least, started.duration(to: clock.now) / .seconds(1))
        }
        return (queries, least)
    }
}
