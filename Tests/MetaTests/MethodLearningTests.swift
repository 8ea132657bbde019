import Foundation
import Meta
import Tensor
import Testing

@Suite struct MethodLearningTests {
    private static let width = 6

    /// Users who agree on two features and each have a taste in two others.
    private static func population(users: Int, seed: UInt64) -> MetaPopulation {
        var random = RandomSource(seed: seed)
        let features = Matrix(rows: 200, columns: width, values: (0..<200 * width).map { _ in Float(random.normal()) })
        let made = (0..<users).map { user in
            let taste = [1.5, -1, 2 * random.normal(), 2 * random.normal(), 0, 0]
            let rows = (0..<72).map { _ in Int32(random.index(below: 200)) }
            let labels = rows.map { row -> Float in
                let z = zip(features.row(Int(row)), taste).reduce(0) { $0 + Double($1.0) * $1.1 }
                return random.uniform() < 1 / (1 + exp(-z)) ? 1 : 0
            }
            return MetaUser(id: "u\(user)", rows: rows, labels: labels, supportCount: 32)
        }
        return MetaPopulation(features: features, users: made).affine(scale: 1)
    }

    private static var settings: MethodLearning.Settings {
        var outer = OuterSettings()
        outer.folds = 2
        outer.usersPerStep = 16
        outer.maximumSteps = 60
        outer.stepsPerCheckpoint = 10
        var settings = MethodLearning.Settings(outer: outer)
        settings.stepCounts = [1, 3]
        settings.tensorRates = [1e-6, 3e-2]
        return settings
    }

    private static func loss(_ method: any HeadMethod, _ context: UserContext, on other: MetaPopulation) -> Double {
        let problem = HeadProblem(other, support: 8, OuterObjective(rankingShare: 0.5))
        let states = method.states(MethodBatch(problem, context: context), stepCount: 3, rateScale: 1)
        return problem.query(at: states).losses.reduce(0) { $0 + Double($1) } / Double(other.users.count)
    }

    @Test("every method serves users that it never saw better than before it learned", arguments: 0..<7)
    func learns(number: Int) {
        let population = Self.population(users: 60, seed: 91)
        let context = UserContext(population, components: 4)
        let start = [Float](repeating: 0, count: Self.width + 1)
        let rates = LearnedRates(
            rate: 0.4, .tensors([0..<Self.width, Self.width..<Self.width + 1]), width: start.count, steps: 3)
        var random = RandomSource(seed: 92)
        let methods: [any HeadMethod] = [
            StartMethod(.exact, start: start), StartMethod(.firstOrder, start: start),
            StartMethod(.reptile, start: start), StartMethod(.multiStep, start: start, rates: rates),
            OptimizerMethod(start: start, hidden: [4], estimator: .backpropagation, random: &random),
            ContextMethod(.basis(4), start: start, contextWidth: context.width, hidden: 8, random: &random),
            ContextMethod(.generated, start: start, contextWidth: context.width, hidden: 8, random: &random),
        ]
        let learning = MethodLearning(population, context: context, settings: Self.settings)
        let outcome = learning.learn(methods[number])
        #expect(outcome.tensorRate == 3e-2)
        let others = Self.population(users: 40, seed: 93)
        let (before, after) = (
            Self.loss(methods[number], context, on: others), Self.loss(outcome.method, context, on: others)
        )
        #expect(after < before - 0.02, "\(number): \(before) to \(after)")
        #expect(learning.learn(methods[number]).method.values == outcome.method.values)
    }

    @Test("without users nothing is learned")
    func empty() {
        let population = Self.population(users: 3, seed: 94)
        let context = UserContext(population, components: 2)
        let start = [Float](repeating: 0.5, count: Self.width + 1)
        let none = population.keeping { _ in false }
        let outcome = MethodLearning(none, context: context, settings: Self.settings)
            .learn(StartMethod(.exact, start: start))
        #expect(outcome.method.values == start)
    }
}
