import Foundation
import Meta
import Tensor
import Testing

@Suite struct LearnedOptimizerTests {
    private func optimizer(_ tensors: [Range<Int>], hidden: [Int] = [5, 4], noise: Double = 0) -> LearnedOptimizer {
        var random = RandomSource(seed: 61)
        var optimizer = LearnedOptimizer(tensors: tensors, rate: 0.1, hidden: hidden, random: &random)
        optimizer.values = optimizer.values.map { $0 + Float(noise * random.normal()) }
        return optimizer
    }

    @Test("before anything is learned it is gradient descent with a rate a tensor")
    func safeDefault() {
        let problem = QuadraticProblem.known
        let start = Matrix(rows: 1, columns: 2)
        let learned = optimizer([0..<1, 1..<2]).states(problem, from: start, userScales: [1], stepCount: 5)
        let plain = UnrolledDescent(
            problem, rates: LearnedRates(rate: 0.1, .shared, width: 2, steps: 1), userScales: [1], stepCount: 5
        ).states(from: start)
        #expect(learned.count == 6)
        for (one, other) in zip(learned, plain) {
            for (value, exact) in zip(one.values, other.values) { #expect(abs(value - exact) < 1e-6) }
        }
        let gradient = optimizer([0..<1, 1..<2]).gradient(problem, from: start, userScales: [1], stepCount: 5).starts
        #expect(abs(gradient.values[0] + 0.590490) < 1e-5 && abs(gradient.values[1] - 0.622080) < 1e-5)
    }

    @Test("for one step the gradient by rates and network agrees with central differences", arguments: [5, 3e5])
    func oneStepIsExact(firstScale: Float) {
        let world = HeadWorld(seed: 62)
        var random = RandomSource(seed: 63)
        let start = Matrix(
            rows: 3, columns: world.problem.width,
            values: (0..<3 * world.problem.width).map { _ in Float(0.4 * random.normal()) })
        let optimizer = optimizer([0..<4, 4..<5], noise: 0.3)
        // At the larger scale the first user's update is far beyond the limit, and so shortened.
        let scales: [Float] = [firstScale, 1, 2]
        func loss(_ optimizer: LearnedOptimizer) -> Double {
            Double(optimizer.gradient(world.problem, from: start, userScales: scales, stepCount: 1).loss)
        }
        let gradient = optimizer.gradient(world.problem, from: start, userScales: scales, stepCount: 1).values
        #expect(gradient.count == optimizer.values.count)
        for index in gradient.indices {
            let h: Float = 5e-3
            var (up, down) = (optimizer, optimizer)
            up.values[index] += h
            down.values[index] -= h
            let numeric = (loss(up) - loss(down)) / Double(2 * h)
            let exact = Double(gradient[index])
            #expect(abs(numeric - exact) < 1e-3 + 0.02 * abs(exact), "\(index): \(numeric) against \(exact)")
        }
    }

    @Test("following its gradient lowers the loss after several steps")
    func learns() {
        let problem = QuadraticProblem(curvatures: [[1, 4], [0.5, 2]], targets: [[1, -2], [0.3, 3]])
        let start = Matrix(rows: 2, columns: 2)
        var optimizer = optimizer([0..<1, 1..<2])
        func evaluate() -> (loss: Float, values: [Float], starts: Matrix) {
            optimizer.gradient(problem, from: start, userScales: [1, 1], stepCount: 3)
        }
        let before = evaluate().loss
        for _ in 0..<100 {
            let gradient = evaluate().values
            optimizer.values = zip(optimizer.values, gradient).map { $0 - 0.02 * $1 }
        }
        #expect(evaluate().loss < 0.5 * before)
    }
}
