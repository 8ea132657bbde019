public import Adapters
import Foundation
import Tensor

/// Fits one head for everyone: logistic regression with an L2 penalty on the weights, by Newton's method.
///
/// It minimises `Σ logloss(x · w + b, y) + penalty/2 |w|²` over all examples of all users. A text that many users have
/// counts as often as they have it, and costs once.
/// - Parameters:
///   - population: whose users' examples to fit; order and support do not matter.
///   - penalty: for features of unit norm, above zero.
/// - Returns: the zero head when the population has no examples.
public func fitGlobalHead(_ population: MetaPopulation, penalty: Float) -> LinearHead {
    let width = population.features.columns
    let texts = LabelCounts(population)
    guard texts.features.rows > 0 else { return .zero(width: width) }
    let order = width + 1
    var solution = [Double](repeating: 0, count: order)
    // Newton's steps on a penalised logistic loss from zero settle to float precision in fewer than ten.
    for _ in 0..<10 {
        let system = texts.newtonSystem(at: solution, penalty: Double(penalty))
        guard let step = solvePositiveDefinite(system.hessian, system.gradient) else { break }
        for index in 0..<order { solution[index] -= step[index] }
        guard step.contains(where: { abs($0) > 1e-5 }) else { break }
    }
    return LinearHead(weights: solution.dropLast().map { Float($0) }, bias: Float(solution[width]))
}

/// How often each distinct text is positive and negative.
private struct LabelCounts {
    /// `[texts, width + 1]`, the last column one.
    var features: Matrix
    var positives: [Float]
    var totals: [Float]

    init(_ population: MetaPopulation) {
        let width = population.features.columns
        var positives = [Float](repeating: 0, count: population.features.rows)
        var totals = positives
        for user in population.users {
            for (row, label) in zip(user.rows, user.labels) {
                positives[Int(row)] += label
                totals[Int(row)] += 1
            }
        }
        let present = totals.indices.filter { totals[$0] > 0 }
        var values: [Float] = []
        values.reserveCapacity(present.count * (width + 1))
        for row in present {
            values.append(contentsOf: population.features.row(row))
            values.append(1)
        }
        features = Matrix(rows: present.count, columns: width + 1, values: values)
        self.positives = present.map { positives[$0] }
        self.totals = present.map { totals[$0] }
    }

    /// Gradient and Hessian of the penalised loss; the bias is penalised by a millionth, so that one class has a fit.
    func newtonSystem(at solution: [Double], penalty: Double) -> (hessian: [Double], gradient: [Double]) {
        let order = features.columns
        let logits = matmul(
            features, Matrix(rows: order, columns: 1, values: solution.map { Float($0) }))
        var weighted = features
        var residuals = Matrix(rows: features.rows, columns: 1)
        for row in 0..<features.rows {
            let probability = logistic(logits.values[row])
            residuals.values[row] = totals[row] * probability - positives[row]
            let weight = totals[row] * probability * (1 - probability)
            for column in 0..<order { weighted.values[row * order + column] *= weight }
        }
        var hessian = matmul(weighted, features, transposeA: true).values.map { Double($0) }
        var gradient = matmul(features, residuals, transposeA: true).values.map { Double($0) }
        for index in 0..<order {
            let strength = index < order - 1 ? penalty : 1e-6
            hessian[index * order + index] += strength
            gradient[index] += strength * solution[index]
        }
        return (hessian, gradient)
    }
}
