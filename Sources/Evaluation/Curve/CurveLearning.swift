import Adapters
import Meta
import Recipe
import Tensor

/// What the K-curve learns on the meta-train users, besides the recipe that it is given.
struct CurveLearning {
    private let training: MetaPopulation
    private let recipe: Recipe
    private let settings: CurveSettings

    init(_ training: MetaPopulation, _ recipe: Recipe, _ settings: CurveSettings) {
        (self.training, self.recipe, self.settings) = (training, recipe, settings)
    }

    /// A method to learn.
    private struct Plan {
        var name: String
        var initial: any HeadMethod
        /// Nil: all of the outer settings'.
        var folds: Int?
        var hasControl = false
    }

    /// Every learned method, their controls after them.
    ///
    /// - Parameters:
    ///   - people: the scored users.
    ///   - progress: how many of the methods are learned.
    func contestants(
        judging people: CurvePeople, progress: (Int, Int) throws -> Void
    ) throws -> [CurveContestant] {
        let affine = training.affine(scale: CurvePeople.scale)
        let context = UserContext(affine, components: settings.contextComponents)
        let learning = MethodLearning(affine, context: context, settings: settings.learning)
        let plans = plans(contextWidth: context.width)
        let counts = settings.stepCounts.filter { $0 > 1 }
        let all = plans.count + counts.count
        var contestants: [CurveContestant] = []
        for (done, plan) in plans.enumerated() {
            try progress(done, all)
            let method = learning.learn(plan.initial, folds: plan.folds).method
            let steps = plan.name == "hypernetwork" ? [0] : settings.stepCounts
            contestants.append(.learned(plan.name, method, context, steps: steps))
            if plan.hasControl {
                contestants.append(
                    .learned("\(plan.name)_shuffled", method, context, steps: steps, shufflesContexts: true))
            }
        }
        var rules = [recipe.rule.steps.count: recipe.rule]
        for (done, count) in counts.enumerated() where rules[count] == nil {
            try progress(plans.count + done, all)
            var outer = settings.learning.outer
            outer.innerSteps = count
            rules[count] = OuterLoop(training, settings: outer).learn(from: recipe.headWithoutData)
        }
        contestants.append(.product("rule", recipe, rules, of: people, steps: settings.stepCounts))
        return contestants
    }

    private func plans(contextWidth: Int) -> [Plan] {
        let start = recipe.headWithoutData.affine(scale: CurvePeople.scale)
        let tensors = RateGrouping.tensors([0..<start.count - 1, start.count - 1..<start.count])
        func rates(_ grouping: RateGrouping) -> LearnedRates {
            LearnedRates(
                rate: StartMethod.plainRate, grouping, width: start.count, steps: settings.stepCounts.max() ?? 1)
        }
        var random = RandomSource(seed: settings.learning.outer.seed ^ 0xC0FFEE)
        return [
            Plan(name: "maml", initial: StartMethod(.exact, start: start)),
            Plan(name: "fomaml", initial: StartMethod(.firstOrder, start: start)),
            Plan(name: "reptile", initial: StartMethod(.reptile, start: start)),
            Plan(name: "multi_step", initial: StartMethod(.multiStep, start: start)),
            Plan(name: "meta_sgd", initial: StartMethod(.multiStep, start: start, rates: rates(tensors))),
            Plan(name: "meta_sgd_rows", initial: StartMethod(.multiStep, start: start, rates: rates(.parameters))),
            Plan(
                name: "learned_optimizer",
                initial: OptimizerMethod(
                    start: start, hidden: [settings.optimizerUnits], estimator: .backpropagation, random: &random),
                folds: 1),
            Plan(
                name: "learned_optimizer_es",
                initial: OptimizerMethod(
                    start: start, hidden: [settings.optimizerUnits],
                    estimator: .evolution(pairs: settings.evolutionPairs, sigma: 0.01), random: &random), folds: 1),
            Plan(
                name: "basis",
                initial: ContextMethod(
                    .basis(16), start: start, contextWidth: contextWidth, hidden: settings.contextUnits,
                    random: &random), hasControl: true),
            Plan(
                name: "hypernetwork",
                initial: ContextMethod(
                    .generated, start: start, contextWidth: contextWidth, hidden: settings.contextUnits,
                    random: &random), hasControl: true),
        ]
    }
}

/// What the K-curve runs.
public struct CurveSettings: Sendable {
    /// Numbers of inner steps.
    public static let stepCounts = [0, 1, 2, 3, 5, 10]
    var stepCounts = Self.stepCounts
    var learning: MethodLearning.Settings
    /// Principal components of a context.
    var contextComponents = 32
    /// Hidden units of what reads a context.
    var contextUnits = 32
    /// Hidden units of the learned optimiser.
    var optimizerUnits = 8
    /// Perturbations an outer step of the optimiser that is learned from losses alone.
    var evolutionPairs = 4

    /// - Parameters:
    ///   - seed: of every draw.
    ///   - isQuick: one fold, one outer rate, few outer steps: figures that only show that everything runs.
    public init(seed: UInt64, isQuick: Bool = false) {
        var outer = OuterSettings()
        outer.seed = seed
        learning = MethodLearning.Settings(outer: outer)
        guard isQuick else { return }
        learning.outer.folds = 1
        learning.outer.maximumSteps = 10
        learning.outer.stepsPerCheckpoint = 5
        learning.tensorRates = [1e-3]
        learning.stepCounts = [1, 3]
        evolutionPairs = 1
    }
}
