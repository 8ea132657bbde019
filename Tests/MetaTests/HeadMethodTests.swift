import Foundation
import Meta
import Tensor
import Testing

@Suite struct HeadMethodTests {
    private let world = HeadWorld(seed: 81, rankingShare: 0)
    private let start: [Float] = [0.3, -0.2, 0.1, 0.4, 0.05]

    private var batch: MethodBatch {
        MethodBatch(world.problem, context: UserContext(world.population, components: 2))
    }

    private func context(_ form: ContextStart.Form) -> ContextMethod {
        var random = RandomSource(seed: 82)
        var method = ContextMethod(
            form, start: start, contextWidth: batch.contexts.columns, hidden: 4, random: &random)
        method.values = method.values.map { $0 + Float(0.2 * random.normal()) }
        return method
    }

    private func optimizer(_ estimator: OptimizerMethod.Estimator) -> OptimizerMethod {
        var random = RandomSource(seed: 83)
        var method = OptimizerMethod(start: start, hidden: [3], estimator: estimator, random: &random)
        method.values = method.values.map { $0 + Float(0.1 * random.normal()) }
        return method
    }

    @Test("meta-parameters survive the way through one vector")
    func values() {
        let rates = LearnedRates(rate: 0.5, .parameters, width: 5, steps: 3)
        let methods: [any HeadMethod] = [
            StartMethod(.exact, start: start), StartMethod(.multiStep, start: start, rates: rates),
            optimizer(.backpropagation), context(.basis(2)), context(.generated),
        ]
        for method in methods {
            var other = method
            other.values = method.values.map { $0 + 1 }
            #expect(other.values == method.values.map { $0 + 1 })
            #expect(other.states(batch, stepCount: 2, rateScale: 1) != method.states(batch, stepCount: 2, rateScale: 1))
            other.values = method.values
            #expect(other.states(batch, stepCount: 2, rateScale: 1) == method.states(batch, stepCount: 2, rateScale: 1))
        }
        #expect(methods[0].values == start && methods[1].values.count == 5 + 15)
        #expect(methods[1].isScalar(5) && !methods[1].isScalar(4) && !methods[3].isScalar(9))
    }

    @Test("rates are those of descent with sqrt(N) / K, and nothing moves without a step")
    func rates() {
        let method = StartMethod(.exact, start: start)
        #expect(method.states(batch, stepCount: 0, rateScale: 3) == Matrix(repeating: start, count: 3))
        let own = UnrolledDescent(
            world.problem, rates: LearnedRates(rate: 0.4, .shared, width: 5, steps: 1),
            userScales: [Float](repeating: 2 * Float(6).squareRoot() / 3, count: 3), stepCount: 3
        ).states(from: Matrix(repeating: start, count: 3))[3]
        let states = method.states(batch, stepCount: 3, rateScale: 2)
        for (value, exact) in zip(states.values, own.values) { #expect(abs(value - exact) < 1e-5) }
    }

    @Test("a multi-step start's gradient, and a generated head's, agree with central differences of what they lower")
    func gradients() {
        var random = RandomSource(seed: 84)
        func mean(_ method: any HeadMethod, _ steps: Int) -> Double {
            let losses = world.problem.query(at: method.states(batch, stepCount: steps, rateScale: 1)).losses
            return losses.reduce(0) { $0 + Double($1) } / 3
        }
        let rates = LearnedRates(rate: 0.5, .tensors([0..<4, 4..<5]), width: 5, steps: 2)
        let method = StartMethod(.multiStep, start: start, rates: rates)
        let gradient = method.gradient(batch, stepCount: 2, progress: 1, random: &random)
        for index in gradient.indices {
            var (up, down) = (method, method)
            up.values[index] += 1e-2
            down.values[index] -= 1e-2
            let late = (mean(up, 2) - mean(down, 2)) / 2e-2
            let atStart = (mean(up, 0) - mean(down, 0)) / 2e-2
            #expect(abs(0.8 * late + 0.2 * atStart - Double(gradient[index])) < 5e-4, "\(index)")
        }
        #expect(
            Array(StartMethod(.reptile, start: start).gradient(batch, stepCount: 2, progress: 0, random: &random)).count
                == 5)
    }

    @Test("evolution strategies point where backpropagation does, and leave the start alone")
    func evolution() {
        var random = RandomSource(seed: 85)
        let exact = optimizer(.backpropagation).gradient(batch, stepCount: 1, progress: 0, random: &random)
        let estimate = optimizer(.evolution(pairs: 4000, sigma: 0.01))
            .gradient(batch, stepCount: 1, progress: 0, random: &random)
        #expect(estimate.prefix(5).allSatisfy { $0 == 0 })
        let (one, other) = (exact.dropFirst(5), estimate.dropFirst(5))
        func product(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Float {
            zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let cosine = product(one, other) / (product(one, one) * product(other, other)).squareRoot()
        #expect(cosine > 0.9, "\(cosine)")
    }

    @Test(
        "a generated head takes no steps, its distance from the general head is scaled, and another's context gives another"
    )
    func generated() {
        let method = context(.generated)
        let origin = Matrix(repeating: start, count: 3)
        let states = method.states(batch, stepCount: 0, rateScale: 1)
        #expect(method.states(batch, stepCount: 7, rateScale: 1) == states)
        #expect(method.states(batch, stepCount: 0, rateScale: 0) == origin)
        var shuffled = batch
        let width = shuffled.contexts.columns
        shuffled.contexts.values = Array(
            shuffled.contexts.values.dropFirst(width) + shuffled.contexts.values.prefix(width))
        let others = method.states(shuffled, stepCount: 0, rateScale: 1)
        #expect(Array(others.row(0)) == Array(states.row(1)) && others.row(0) != states.row(0))
    }
}
