package import Adapters
package import Tensor

/// Users' linear heads: mean log loss of the support, the ``OuterObjective`` of the query.
///
/// A head of `width` features is a row of `width + 1` numbers over features that end in a one (``MetaPopulation/affine(scale:)``):
/// weights, then the bias.
package struct HeadProblem: InnerProblem, Sendable {
    package let support: OwnedExamples
    package let queryExamples: OwnedExamples
    private let objective: OuterObjective

    /// - Parameter batch: of features that end in a one.
    package init(_ batch: EpisodeBatch, _ objective: OuterObjective) {
        (support, queryExamples, self.objective) = (batch.support, batch.query, objective)
    }

    /// Users adapted and scored as the protocol says.
    package init(_ population: MetaPopulation, support size: Int, _ objective: OuterObjective) {
        self.init(
            EpisodeBatch(
                population.users.map { Episode(support: $0.support(size), query: $0.query) },
                from: population.features, scale: 1), objective)
    }

    package var userCount: Int { support.counts.count }
    package var width: Int { support.features.columns }

    package func supportGradient(at state: Matrix) -> Matrix {
        var residuals = ownedDots(support.features, state, owners: support.owners)
        for example in residuals.indices {
            residuals[example] =
                (logistic(residuals[example]) - support.labels[example]) / support.counts[Int(support.owners[example])]
        }
        return support.weightedSums(residuals)
    }

    package func supportCurvature(at state: Matrix, times vectors: Matrix) -> Matrix {
        let logits = ownedDots(support.features, state, owners: support.owners)
        var weights = ownedDots(support.features, vectors, owners: support.owners)
        for example in weights.indices {
            let probability = logistic(logits[example])
            weights[example] *= probability * (1 - probability) / support.counts[Int(support.owners[example])]
        }
        return support.weightedSums(weights)
    }

    package func query(at state: Matrix) -> (losses: [Float], gradient: Matrix) {
        var losses: [Float] = []
        var pull: [Float] = []
        for query in scores(at: state) {
            let (loss, gradient) = objective.evaluate(logits: query.logits[...], labels: query.labels[...])
            losses.append(loss)
            pull += gradient
        }
        return (losses, queryExamples.weightedSums(pull))
    }

    /// Each user's query under the user's parameters.
    package func scores(at state: Matrix) -> [ScoredQuery] {
        let logits = ownedDots(queryExamples.features, state, owners: queryExamples.owners)
        var first = 0
        return queryExamples.counts.map { count in
            let own = first..<first + Int(count)
            first = own.upperBound
            return ScoredQuery(logits: Array(logits[own]), labels: Array(queryExamples.labels[own]))
        }
    }
}

extension MetaPopulation {
    /// The same users over features `[scale x | 1]`, so that a head with its bias is one vector.
    package func affine(scale: Float) -> MetaPopulation {
        var values: [Float] = []
        values.reserveCapacity(features.rows * (features.columns + 1))
        for row in 0..<features.rows {
            values += features.row(row).map { $0 * scale }
            values.append(1)
        }
        return MetaPopulation(
            features: Matrix(rows: features.rows, columns: features.columns + 1, values: values), users: users)
    }
}

extension LinearHead {
    /// The head as a vector over features `[scale x | 1]`.
    package func affine(scale: Float) -> [Float] { weights.map { $0 / scale } + [bias] }

    /// The head that a vector over features `[scale x | 1]` is.
    package init(affine values: some Collection<Float>, scale: Float) {
        self.init(weights: values.dropLast().map { $0 * scale }, bias: Array(values).last ?? 0)
    }
}

extension Matrix {
    /// One row, `count` times.
    package init(repeating row: [Float], count: Int) {
        var values: [Float] = []
        values.reserveCapacity(count * row.count)
        for _ in 0..<count { values += row }
        self.init(rows: count, columns: row.count, values: values)
    }

    /// The sum of its rows.
    package func sumOfRows() -> [Float] {
        var sums = [Float](repeating: 0, count: columns)
        for row in 0..<rows {
            let first = row * columns
            for column in 0..<columns { sums[column] += values[first + column] }
        }
        return sums
    }
}
