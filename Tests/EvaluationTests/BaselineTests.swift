import Adapters
import Evaluation
import Foundation
import Meta
import Tensor
import Testing

@Suite struct BootstrapTests {
    @Test("an interval holds the mean, narrows with users, and repeats with its seed")
    func intervals() {
        var random = RandomSource(seed: 1)
        let values = (0..<400).map { _ in random.normal() }
        let few = Bootstrap(users: 50, seed: 2).interval(Array(values.prefix(50)))
        let many = Bootstrap(users: 400, seed: 2).interval(values)
        for interval in [few, many] { #expect(interval.low < interval.mean && interval.mean < interval.high) }
        // The interval of a mean of n standard normals is about 2 * 1.96 / sqrt(n) wide.
        #expect(abs((many.high - many.low) - 2 * 1.96 / 20) < 0.03)
        #expect(few.high - few.low > 2 * (many.high - many.low))
        #expect(Bootstrap(users: 400, seed: 2).interval(values) == many)
    }
}

@Suite struct LossComparisonTests {
    @Test("t is the mean difference over its standard error; equal losses say nothing")
    func studentsT() {
        let labels: [Float] = [1, 0, 1, 0]
        let base = ScoredQuery(logits: [0, 0, 0, 0], labels: labels)
        let same = LossComparison(base, against: base)
        #expect(same.mean == 0 && same.t == 0)
        let better = ScoredQuery(logits: [1, -1, 2, -0.5], labels: labels)
        let differences = zip(better.losses, base.losses).map { Double($0 - $1) }
        let mean = differences.reduce(0, +) / 4
        let deviation = (differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3).squareRoot()
        let comparison = LossComparison(better, against: base)
        #expect(abs(comparison.t - mean / (deviation / 2)) < 1e-6 && comparison.t < -1.645)
    }
}

@Suite struct UserSystemTests {
    private let features: Matrix
    private let support: UserSupport
    private let prior: LinearHead
    private let population: MetaPopulation

    init() {
        var random = RandomSource(seed: 9)
        let width = 6
        features = Matrix(rows: 10, columns: width, values: (0..<10 * width).map { _ in Float(random.normal()) })
        prior = LinearHead(weights: (0..<width).map { _ in Float(random.normal()) }, bias: 0.3)
        support = UserSupport(rows: [0, 3, 4, 7, 9], labels: [1, 0, 0, 1, 1])
        population = MetaPopulation(features: features, users: [])
    }

    /// The slope of `Σ loss'(z) x + penalty (w - prior)`; the bias counts in units of its feature.
    private func slope(_ head: LinearHead, penalty: Double, by: (Double, Double) -> Double) -> [Double] {
        var slope = zip(head.weights, prior.weights).map { penalty * Double($0 - $1) }
        slope.append(penalty * Double(head.bias - prior.bias) / Double(UserSystem.biasFeature))
        let logits = head.logits(of: features)
        for (row, label) in zip(support.rows, support.labels) {
            let pull = by(Double(logits[Int(row)]), Double(label))
            for (column, value) in features.row(Int(row)).enumerated() { slope[column] += pull * Double(value) }
            slope[slope.count - 1] += pull * Double(UserSystem.biasFeature)
        }
        return slope
    }

    @Test("the ridge head is where its penalised squares have no slope", arguments: [0.05, 1, 20])
    func ridge(penalty: Double) {
        let head = UserSystem(support, of: population).ridge(around: prior, penalty: penalty)
        #expect(slope(head, penalty: penalty) { $0 - (2 * $1 - 1) }.allSatisfy { abs($0) < 1e-4 })
    }

    @Test("the logistic head is where its penalised loss has no slope", arguments: [0.05, 1, 20])
    func logistic(penalty: Double) {
        let head = UserSystem(support, of: population).logistic(around: prior, penalty: penalty)
        #expect(slope(head, penalty: penalty) { 1 / (1 + Foundation.exp(-$0)) - $1 }.allSatisfy { abs($0) < 1e-4 })
    }

    @Test("the user's bias is where its penalised loss has no slope, the weights stay")
    func bias() {
        let head = UserSystem(support, of: population).bias(around: prior, penalty: 2)
        #expect(head.weights == prior.weights)
        let logits = head.logits(of: features)
        let slope = zip(support.rows, support.labels).reduce(2 * Double(head.bias - prior.bias)) {
            $0 + 1 / (1 + Foundation.exp(-Double(logits[Int($1.0)]))) - Double($1.1)
        }
        #expect(abs(slope) < 1e-5)
    }

    @Test("without examples every method is its prior")
    func empty() {
        let system = UserSystem(UserSupport(rows: [], labels: []), of: population)
        #expect(system.ridge(around: prior, penalty: 1) == prior)
        #expect(system.logistic(around: prior, penalty: 1) == prior)
        #expect(system.bias(around: prior, penalty: 1) == prior)
    }

    @Test("the global ridge is where its penalised squares have no slope")
    func globalRidge() {
        let users = [
            MetaUser(id: "a", rows: [0, 1, 2, 0], labels: [1, 0, 1, 1], supportCount: 4),
            MetaUser(id: "b", rows: [4, 0], labels: [0, 0], supportCount: 2),
        ]
        let head = fitGlobalRidge(MetaPopulation(features: features, users: users), penalty: 0.5)
        var slope = head.weights.map { 0.5 * Double($0) } + [0]
        let logits = head.logits(of: features)
        for user in users {
            for (row, label) in zip(user.rows, user.labels) {
                let pull = Double(logits[Int(row)]) - Double(2 * label - 1)
                for (column, value) in features.row(Int(row)).enumerated() { slope[column] += pull * Double(value) }
                slope[slope.count - 1] += pull
            }
        }
        #expect(slope.allSatisfy { abs($0) < 1e-3 })
    }
}
