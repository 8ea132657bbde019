import Foundation
package import Tensor

/// What a start may know of a user: a few numbers made of the support alone.
///
/// ```
/// c_u = [ mean whitened feature of the positives | of the negatives | share of positives | log(1 + N) / 4 | has each class ]
/// ```
/// over the leading principal components of meta-users' features. Classes apart, because the mean over both says what a user was
/// shown and not what a user likes.
package struct UserContext: Sendable, Equatable {
    private let mean: [Float]
    /// `[components, width]`: principal directions over their standard deviations.
    private let directions: Matrix

    /// Learned from the texts that users have.
    package init(_ population: MetaPopulation, components: Int) {
        let width = population.features.columns
        let texts = Set(population.users.flatMap(\.rows)).sorted()
        var rows = Matrix(rows: texts.count, columns: width)
        for (index, text) in texts.enumerated() {
            rows.values.replaceSubrange(index * width..<(index + 1) * width, with: population.features.row(Int(text)))
        }
        let count = Float(max(1, texts.count))
        let mean = rows.sumOfRows().map { $0 / count }
        self.mean = mean
        for row in 0..<rows.rows { for column in 0..<width { rows[row, column] -= mean[column] } }
        let covariance = matmul(rows, rows, transposeA: true).values.map { Double($0 / count) }
        let eigen = SymmetricEigen(covariance, order: width)
        let kept = min(components, width)
        var values: [Float] = []
        for index in 0..<kept {
            let variance = eigen?.values[index] ?? 0
            let scale = variance > 1e-9 ? 1 / variance.squareRoot() : 0
            let vector = eigen?.vectors[index * width..<(index + 1) * width] ?? []
            values += vector.isEmpty ? [Float](repeating: 0, count: width) : vector.map { Float($0 * scale) }
        }
        directions = Matrix(rows: kept, columns: width, values: values)
    }

    /// Numbers of one context.
    package var width: Int { 2 * directions.rows + 4 }

    /// One row a user, `[users, width]`.
    package func contexts(of support: OwnedExamples) -> Matrix {
        let users = support.counts.count
        func classMeans(_ isPositive: Bool) -> (means: Matrix, counts: [Float]) {
            let weights = support.labels.map { ($0 > 0.5) == isPositive ? Float(1) : 0 }
            let counts = support.sums(weights)
            var means = support.weightedSums(weights)
            for user in 0..<users {
                for column in 0..<means.columns {
                    means[user, column] = counts[user] > 0 ? means[user, column] / counts[user] - mean[column] : 0
                }
            }
            return (matmul(means, directions, transposeB: true), counts)
        }
        let (positive, negative) = (classMeans(true), classMeans(false))
        var values: [Float] = []
        for user in 0..<users {
            let count = support.counts[user]
            values += positive.means.row(user) + negative.means.row(user)
            values += [
                count > 0 ? positive.counts[user] / count : 0.5, Foundation.log1p(count) / 4,
                positive.counts[user] > 0 ? 1 : 0, negative.counts[user] > 0 ? 1 : 0,
            ]
        }
        return Matrix(rows: users, columns: width, values: values)
    }
}
