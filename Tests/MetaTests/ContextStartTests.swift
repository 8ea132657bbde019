import Foundation
import Meta
import Tensor
import Testing

@Suite struct ContextStartTests {
    private let world = HeadWorld(seed: 71)

    private func make(_ form: ContextStart.Form, noise: Double) -> (start: ContextStart, contexts: Matrix) {
        let contexts = UserContext(world.population, components: 2).contexts(of: world.problem.support)
        var random = RandomSource(seed: 72)
        var start = ContextStart(
            form, general: [0.3, -0.2, 0.1, 0.4, 0.05], contextWidth: contexts.columns, hidden: 6, random: &random)
        start.values = start.values.map { $0 + Float(noise * random.normal()) }
        return (start, contexts)
    }

    @Test("before learning every user's start is the general one", arguments: [ContextStart.Form.basis(3), .generated])
    func neutral(form: ContextStart.Form) {
        let (start, contexts) = make(form, noise: 0)
        let starts = start.forward(contexts, isDropped: [true, false, false]).starts
        #expect(starts == Matrix(repeating: start.general, count: 3))
    }

    @Test(
        "the gradient through steps, start and network agrees with central differences, dropped contexts included",
        arguments: [ContextStart.Form.basis(3), .generated], [0, 2])
    func agreesWithDifferences(form: ContextStart.Form, steps: Int) {
        let (start, contexts) = make(form, noise: 0.2)
        let dropped = [false, true, false]
        let descent = UnrolledDescent(
            world.problem, rates: LearnedRates(rate: 0.5, .shared, width: 5, steps: 1), userScales: [1, 1, 1],
            stepCount: steps)
        let pass = start.forward(contexts, isDropped: dropped)
        let outer = descent.gradient(from: pass.starts, weights: StepWeights.last(steps), order: .exact)
        let gradient = start.backward(pass, outer.starts)
        #expect(gradient.count == start.values.count)
        func loss(_ start: ContextStart) -> Double {
            let starts = start.forward(contexts, isDropped: dropped).starts
            return Double(descent.gradient(from: starts, weights: StepWeights.last(steps), order: .exact).loss)
        }
        for index in gradient.indices {
            let h: Float = 5e-3
            var (up, down) = (start, start)
            up.values[index] += h
            down.values[index] -= h
            let numeric = (loss(up) - loss(down)) / Double(2 * h)
            #expect(
                abs(numeric - Double(gradient[index])) < 1e-3 + 0.02 * abs(numeric),
                "\(index): \(numeric) against \(gradient[index])")
        }
    }

    @Test("a context tells classes apart, knows the support's size, and nothing of the query")
    func context() {
        let population = world.population
        let map = UserContext(population, components: 2)
        let contexts = map.contexts(of: world.problem.support)
        #expect(contexts.rows == 3 && contexts.columns == map.width && map.width == 8)
        let flipped = OwnedExamples(
            population.users.map { user in
                let support = user.support(6)
                return UserSupport(rows: support.rows, labels: support.labels.map { 1 - $0 })
            }, from: population.features, scale: 1)
        let other = map.contexts(of: flipped)
        for user in 0..<3 {
            #expect(contexts.row(user).prefix(2) == other.row(user).dropFirst(2).prefix(2))
            #expect(contexts[user, 4] == 0.5 && abs(contexts[user, 5] - Float(log(7.0)) / 4) < 1e-6)
        }
        let empty = map.contexts(
            of: OwnedExamples([UserSupport(rows: [], labels: [])], from: population.features, scale: 1))
        #expect(empty.values == [0, 0, 0, 0, 0.5, 0, 0, 0])
    }

    @Test("parameters survive the way through one vector")
    func values() {
        var (start, _) = make(.basis(3), noise: 0.1)
        let before = start
        start.values = start.values.map { $0 + 1 }
        #expect(start != before)
        start.values = before.values
        #expect(start == before)
    }
}
