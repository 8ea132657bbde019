import Foundation
import Meta
import Tensor
import Testing

@Suite struct UnrolledDescentTests {
    private let zero = Matrix(rows: 1, columns: 2)

    private func descent(_ problem: QuadraticProblem, rate: Float = 0.1, steps: Int = 5) -> UnrolledDescent {
        UnrolledDescent(
            problem, rates: LearnedRates(rate: rate, .shared, width: 2, steps: 1),
            userScales: problem.targets.map { _ in 1 }, stepCount: steps)
    }

    private func expect(_ values: [Float], _ exact: [Double]) {
        #expect(values.count == exact.count)
        for (value, exact) in zip(values, exact) { #expect(abs(Double(value) - exact) < 2e-6, "\(value) for \(exact)") }
    }

    @Test("on the quadratic with known answers exact MAML, FOMAML and Reptile are what they should be")
    func closedForms() {
        let (descent, weights) = (descent(.known), StepWeights.last(5))
        expect(descent.gradient(from: zero, weights: weights, order: .exact).starts.values, [-0.348678, 0.048373])
        expect(descent.gradient(from: zero, weights: weights, order: .firstOrder).starts.values, [-0.590490, 0.622080])
        expect(descent.reptile(from: zero).values, [-0.409510, 1.844480])
    }

    @Test("users of a batch do not touch each other, and a shared start's gradient is the sum of theirs")
    func batches() {
        let pair = QuadraticProblem(curvatures: [[1, 4], [2, 0.5]], targets: [[1, -2], [0.3, 3]])
        let single = QuadraticProblem(curvatures: [[2, 0.5]], targets: [[0.3, 3]])
        let weights: [Float] = [0.2, 0, 0, 0, 0, 0.8]
        let both = descent(pair).gradient(from: Matrix(rows: 2, columns: 2), weights: weights, order: .exact)
        let one = descent(.known).gradient(from: zero, weights: weights, order: .exact)
        let other = descent(single).gradient(from: zero, weights: weights, order: .exact)
        #expect(abs(both.loss - (one.loss + other.loss) / 2) < 1e-6)
        expect(both.starts.values, (one.starts.values + other.starts.values).map { Double($0) / 2 })
        expect(both.logRates, zip(one.logRates, other.logRates).map { Double($0 + $1) / 2 })
        let sum = zip(one.starts.values, other.starts.values).map { Double($0 + $1) / 2 }
        expect(both.starts.sumOfRows(), sum)
    }

    @Test(
        "gradients by start and rates agree with central differences through every step, and user scales count",
        arguments: [RateGrouping.shared, .tensors([0..<2, 2..<5]), .parameters], [1, 3])
    func agreesWithDifferences(grouping: RateGrouping, rateSteps: Int) {
        let problem = HeadWorld(seed: 31).problem
        let (steps, width) = (3, problem.width)
        let weights: [Float] = [0.1, 0.2, 0.3, 0.4]
        var random = RandomSource(seed: 32)
        var rates = LearnedRates(rate: 0.7, grouping, width: width, steps: rateSteps)
        for index in rates.logs.indices { rates.logs[index] += Float(0.2 * random.normal()) }
        let start = (0..<width).map { _ in Float(0.4 * random.normal()) }
        func loss(_ start: [Float], _ rates: LearnedRates) -> (Double, UnrolledDescent.Gradient) {
            let descent = UnrolledDescent(problem, rates: rates, userScales: [1, 0.5, 2], stepCount: steps)
            let result = descent.gradient(
                from: Matrix(repeating: start, count: problem.userCount), weights: weights, order: .exact)
            return (Double(result.loss), result)
        }
        let gradient = loss(start, rates).1
        let h: Float = 1e-2
        for index in 0..<width {
            var (up, down) = (start, start)
            up[index] += h
            down[index] -= h
            let numeric = (loss(up, rates).0 - loss(down, rates).0) / Double(2 * h)
            #expect(abs(numeric - Double(gradient.starts.sumOfRows()[index])) < 3e-4, "start \(index)")
        }
        for index in rates.logs.indices {
            var (up, down) = (rates, rates)
            up.logs[index] += h
            down.logs[index] -= h
            let numeric = (loss(start, up).0 - loss(start, down).0) / Double(2 * h)
            #expect(abs(numeric - Double(gradient.logRates[index])) < 3e-4, "rate \(index)")
        }
    }

    @Test("Meta-SGD's first-order gradient is -alpha q times the sum of gradients, and a rate at its limit has none")
    func metaSGD() {
        let weights = StepWeights.last(2)
        var rates = LearnedRates(rate: 0.1, .parameters, width: 2, steps: 1)
        let descent = UnrolledDescent(QuadraticProblem.known, rates: rates, userScales: [1], stepCount: 2)
        let states = descent.states(from: zero)
        let result = descent.gradient(from: zero, weights: weights, order: .firstOrder)
        let problem = QuadraticProblem.known
        let (first, second) = (problem.supportGradient(at: states[0]), problem.supportGradient(at: states[1]))
        let query = problem.query(at: states[2]).gradient
        expect(
            result.logRates,
            (0..<2).map { Double(-0.1 * query.values[$0] * (first.values[$0] + second.values[$0])) })
        rates.logs[1] = 10
        let limited = UnrolledDescent(problem, rates: rates, userScales: [1], stepCount: 1)
            .gradient(from: zero, weights: [0, 1], order: .exact)
        #expect(limited.logRates[1] == 0 && limited.logRates[0] != 0)
        expect(rates.rates(step: 0), [0.1, Double(LearnedRates.range.upperBound)])
    }

    @Test("later steps than were learned have the last's rates")
    func ratesByStep() {
        var rates = LearnedRates(rate: 1, .tensors([0..<2, 2..<3]), width: 3, steps: 2)
        #expect(rates.logs.count == 4)
        rates.logs = [0.5, 0.25, 2, 4].map { Float(log(Double($0))) }
        expect(rates.rates(step: 0), [0.5, 0.5, 0.25])
        expect(rates.rates(step: 1), [2, 2, 4])
        #expect(rates.rates(step: 7) == rates.rates(step: 1))
    }

    @Test("step weights sum to one, end at the last step alone but for the start's share")
    func stepWeights() {
        expect(StepWeights.annealed(4, progress: 0, zeroStepShare: 0.2), [0.2, 0.2, 0.2, 0.2, 0.2])
        expect(StepWeights.annealed(4, progress: 1, zeroStepShare: 0.2), [0.2, 0, 0, 0, 0.8])
        expect(StepWeights.annealed(4, progress: 0.5, zeroStepShare: 0), [0, 0.125, 0.125, 0.125, 0.625])
        #expect(StepWeights.annealed(0, progress: 0.3, zeroStepShare: 0.2) == [1] && StepWeights.last(0) == [1])
    }
}
