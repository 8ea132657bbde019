package import Adapters
import Foundation
package import Meta
import Tensor

/// `e^x`.
func exponential(_ x: Double) -> Double { Foundation.exp(x) }

/// What the product is measured against: per-user methods around priors that are learned on meta-train users.
package struct Baselines {
    /// Logistic regression over everyone's examples: no personalisation.
    let globalHead: LinearHead
    /// Least squares over everyone's examples: the ridge's prior.
    private let globalRidge: LinearHead

    /// A per-user method.
    package enum Method: String, CaseIterable {
        case userBias = "user_bias"
        case ridge
        case logistic

        /// Penalties tried.
        var penalties: [Double] {
            switch self {
            case .userBias: [0.5, 1, 2, 4, 8, 16]
            case .ridge: [0.02, 0.06, 0.2, 0.6, 2, 6, 20]
            case .logistic: [0.006, 0.02, 0.06, 0.2, 0.6, 2, 6]
            }
        }
    }

    /// Fits the priors on meta-train users; `validation` only picks the penalty of the ridge's.
    package init(training: MetaPopulation, validation: MetaPopulation, globalHead: LinearHead) {
        self.globalHead = globalHead
        let fits = [0.3, 1.5, 6, 25].map { fitGlobalRidge(training, penalty: $0) }
        let best = fits.max { Self.meanAUC(validation, [$0]) < Self.meanAUC(validation, [$1]) }
        globalRidge = best ?? .zero(width: training.features.columns)
    }

    /// The users' heads at one support size under a penalty.
    func heads(
        _ method: Method, for users: MetaPopulation, support size: Int, penalty: Double
    ) -> [LinearHead] {
        users.users.map { fit(method, UserSystem($0.support(size), of: users), penalty) }
    }

    private func fit(_ method: Method, _ system: UserSystem, _ penalty: Double) -> LinearHead {
        switch method {
        case .userBias: system.bias(around: globalHead, penalty: penalty)
        case .ridge: system.ridge(around: globalRidge, penalty: penalty)
        case .logistic: system.logistic(around: globalHead, penalty: penalty)
        }
    }

    /// The penalty under which users fare best, of all parts together: more tuning than the product gets.
    ///
    /// - Parameter parts: baselines and the validation users who were held from them.
    package static func penalty(
        _ method: Method, _ parts: [(baselines: Baselines, validation: MetaPopulation)], support size: Int
    ) -> Double {
        /// Higher is better: AUC, or for the bias, which cannot change a user's ranking, the negative log loss.
        func score(_ penalty: Double) -> Double {
            let queries = parts.flatMap { baselines, users in
                users.scores(under: baselines.heads(method, for: users, support: size, penalty: penalty))
            }
            return meanOverUsers(queries.map { method == .userBias ? -$0.meanLoss : $0.areaUnderCurve }) ?? 0
        }
        let scored = method.penalties.map { (penalty: $0, score: score($0)) }
        return scored.max { $0.score < $1.score }?.penalty ?? 1
    }

    /// Mean AUC under a head each, or under one for all.
    private static func meanAUC(_ users: MetaPopulation, _ heads: [LinearHead]) -> Double {
        let all = heads.count == 1 ? users.users.map { _ in heads[0] } : heads
        return meanOverUsers(users.scores(under: all).map(\.areaUnderCurve)) ?? 0
    }
}

/// Least squares of labels ±1 over all examples of all users: `Σ (x · w + b - t)² + penalty |w|²`.
package func fitGlobalRidge(_ population: MetaPopulation, penalty: Double) -> LinearHead {
    let width = population.features.columns
    let order = width + 1
    var totals = [Float](repeating: 0, count: population.features.rows)
    var targets = totals
    for user in population.users {
        for (row, label) in zip(user.rows, user.labels) {
            totals[Int(row)] += 1
            targets[Int(row)] += 2 * label - 1
        }
    }
    var rows: [Float] = []
    var weighted: [Float] = []
    for row in 0..<population.features.rows {
        let values = Array(population.features.row(row)) + [1]
        rows += values
        weighted += values.map { $0 * totals[row] }
    }
    let features = Matrix(rows: population.features.rows, columns: order, values: rows)
    let scaled = Matrix(rows: population.features.rows, columns: order, values: weighted)
    var system = matmul(scaled, features, transposeA: true).values.map { Double($0) }
    let right = matmul(
        features, Matrix(rows: targets.count, columns: 1, values: targets), transposeA: true
    ).values.map { Double($0) }
    for index in 0..<order { system[index * order + index] += index < width ? penalty : 1e-6 }
    guard let solution = solvePositiveDefinite(system, right) else { return .zero(width: width) }
    return LinearHead(weights: solution.dropLast().map { Float($0) }, bias: Float(solution[width]))
}
