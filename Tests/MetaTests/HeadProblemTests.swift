import Adapters
import Foundation
import Meta
import Tensor
import Testing

@Suite struct HeadProblemTests {
    private let problem = HeadWorld(seed: 41).problem

    private func state(_ seed: UInt64) -> Matrix {
        var random = RandomSource(seed: seed)
        return Matrix(
            rows: 3, columns: problem.width, values: (0..<3 * problem.width).map { _ in Float(0.5 * random.normal()) })
    }

    @Test("gradient and curvature are those of the mean log loss of each user's support")
    func derivatives() {
        let (point, direction) = (state(42), state(43))
        let support = problem.support
        func loss(_ state: Matrix, _ user: Int) -> Double {
            var sum = 0.0
            for example in support.labels.indices where support.owners[example] == Int32(user) {
                let z = (0..<problem.width).reduce(0.0) {
                    $0 + Double(support.features[example, $1]) * Double(state[user, $1])
                }
                sum += log(1 + exp(z)) - Double(support.labels[example]) * z
            }
            return sum / 6
        }
        let gradient = problem.supportGradient(at: point)
        let curvature = problem.supportCurvature(at: point, times: direction)
        let h: Float = 1e-2
        for user in 0..<3 {
            for column in 0..<problem.width {
                var (up, down) = (point, point)
                up[user, column] += h
                down[user, column] -= h
                let numeric = (loss(up, user) - loss(down, user)) / Double(2 * h)
                #expect(abs(numeric - Double(gradient[user, column])) < 1e-4)
            }
        }
        var (ahead, behind) = (point, point)
        for place in point.values.indices {
            ahead.values[place] += h * direction.values[place]
            behind.values[place] -= h * direction.values[place]
        }
        let (after, before) = (problem.supportGradient(at: ahead), problem.supportGradient(at: behind))
        for place in point.values.indices {
            let numeric = (after.values[place] - before.values[place]) / (2 * h)
            #expect(abs(numeric - curvature.values[place]) < 1e-3)
        }
    }

    @Test("the query's loss is the objective, its gradient agrees with central differences")
    func query() {
        let point = state(44)
        let (losses, gradient) = problem.query(at: point)
        let objective = OuterObjective(rankingShare: 0.5)
        #expect(zip(losses, problem.scores(at: point)).allSatisfy { abs(Double($0) - $1.loss(objective)) < 1e-6 })
        let h: Float = 1e-2
        for user in 0..<3 {
            for column in 0..<problem.width {
                var (up, down) = (point, point)
                up[user, column] += h
                down[user, column] -= h
                let numeric = (problem.query(at: up).losses[user] - problem.query(at: down).losses[user]) / (2 * h)
                #expect(abs(numeric - gradient[user, column]) < 1e-3)
            }
        }
    }

    @Test("a head survives as a vector over scaled features that end in a one, and scores the same")
    func affine() {
        var random = RandomSource(seed: 45)
        let features = Matrix(rows: 4, columns: 3, values: (0..<12).map { _ in Float(random.normal()) })
        let population = MetaPopulation(
            features: features, users: [MetaUser(id: "u", rows: [0, 1, 2, 3], labels: [1, 0, 1, 0], supportCount: 1)])
        let head = LinearHead(weights: [0.5, -1, 2], bias: 0.3)
        let vector = head.affine(scale: 4)
        let back = LinearHead(affine: vector, scale: 4)
        #expect(back == head)
        let wide = population.affine(scale: 4)
        #expect(wide.features.columns == 4 && wide.features[2, 3] == 1)
        let scores = HeadProblem(wide, support: 1, OuterObjective(rankingShare: 0))
            .scores(at: Matrix(repeating: vector, count: 1))
        for (one, other) in zip(scores[0].logits, population.scores(under: [head])[0].logits) {
            #expect(abs(one - other) < 1e-5)
        }
    }
}
