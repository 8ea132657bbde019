package import Adapters
package import Meta
import Tensor

/// One user's support for the per-user baselines: features, labels, and the Gram matrix with the bias as one feature.
package struct UserSystem {
    /// The bias's feature on unit-norm features: 1 on features of norm 4, at which penalties were scaled.
    package static let biasFeature: Float = 0.25

    let features: Matrix
    let labels: [Float]
    /// `x · xᵀ + biasFeature²`, `[examples, examples]`, in Double.
    let gram: [Double]

    package init(_ support: UserSupport, of population: MetaPopulation) {
        let width = population.features.columns
        var values: [Float] = []
        values.reserveCapacity(support.count * width)
        for row in support.rows { values.append(contentsOf: population.features.row(Int(row))) }
        features = Matrix(rows: support.count, columns: width, values: values)
        labels = support.labels
        gram = matmul(features, features, transposeB: true).values.map {
            Double($0) + Double(Self.biasFeature * Self.biasFeature)
        }
    }

    /// The prior head moved by the examples' coefficients.
    func head(_ prior: LinearHead, _ coefficients: [Double]) -> LinearHead {
        var head = prior
        for (row, coefficient) in coefficients.enumerated() {
            for (column, value) in features.row(row).enumerated() {
                head.weights[column] += Float(coefficient) * value
            }
            head.bias += Float(coefficient) * Self.biasFeature * Self.biasFeature
        }
        return head
    }

    /// Ridge regression of labels ±1 around a prior head: `Σ (x · w + b - t)² + penalty |(w, b) - prior|²`, in the dual.
    package func ridge(around prior: LinearHead, penalty: Double) -> LinearHead {
        let residuals = zip(labels, prior.logits(of: features)).map { Double(2 * $0 - 1) - Double($1) }
        var system = gram
        for index in residuals.indices { system[index * residuals.count + index] += penalty }
        return solvePositiveDefinite(system, residuals).map { head(prior, $0) } ?? prior
    }

    /// Logistic regression around a prior head: `Σ logloss + penalty/2 |(w, b) - prior|²`, by Newton's method in the
    /// dual: with logits `z = z0 + K α`, weights `W` and residuals `r`, `(K + penalty W⁻¹) α = K α - W⁻¹ r`.
    package func logistic(around prior: LinearHead, penalty: Double) -> LinearHead {
        let count = labels.count
        let offsets = prior.logits(of: features).map { Double($0) }
        var coefficients = [Double](repeating: 0, count: count)
        // Strong penalties settle in a few steps; the weakest on separable labels take some twenty.
        for _ in 0..<30 {
            var system = gram
            var target = [Double](repeating: 0, count: count)
            for row in 0..<count {
                let moved = (0..<count).reduce(0) { $0 + gram[row * count + $1] * coefficients[$1] }
                let probability = 1 / (1 + exponential(-(offsets[row] + moved)))
                let weight = max(probability * (1 - probability), 1e-6)
                system[row * count + row] += penalty / weight
                target[row] = moved - (probability - Double(labels[row])) / weight
            }
            guard let solution = solvePositiveDefinite(system, target) else { break }
            let change = zip(solution, coefficients).reduce(0) { max($0, abs($1.0 - $1.1)) }
            coefficients = solution
            if change < 1e-9 { break }
        }
        return head(prior, coefficients)
    }

    /// The prior head with a bias of the user's own: `Σ logloss + penalty/2 (b - b0)²`, by Newton's method.
    package func bias(around prior: LinearHead, penalty: Double) -> LinearHead {
        let offsets = prior.logits(of: features).map { Double($0) }
        var shift = 0.0
        for _ in 0..<20 {
            var slope = penalty * shift
            var curvature = penalty
            for (offset, label) in zip(offsets, labels) {
                let probability = 1 / (1 + exponential(-(offset + shift)))
                slope += probability - Double(label)
                curvature += probability * (1 - probability)
            }
            shift -= slope / curvature
        }
        return LinearHead(weights: prior.weights, bias: prior.bias + Float(shift))
    }
}
