import Foundation
package import Meta
import Tensor

/// A user's nearest support examples vote on an item, the head for everyone having a vote of a fixed weight:
///
/// ```
/// p = (damping sigmoid(z_global) + Σ_{k nearest} max(cos, 0) y) / (damping + Σ_{k nearest} max(cos, 0))
/// ```
/// Retrieval instead of adaptation: nothing is learned, and the support itself is what must be stored.
package struct NeighbourVote: Sendable, Equatable {
    /// Neighbours that vote, at most.
    package var count: Int
    /// The weight of the head for everyone.
    package var damping: Float

    package init(count: Int, damping: Float) { (self.count, self.damping) = (count, damping) }

    /// Scores every user's query.
    ///
    /// - Parameter general: logits of the users' queries under the head for everyone.
    package func scores(_ population: MetaPopulation, support size: Int, general: [ScoredQuery]) -> [ScoredQuery] {
        zip(population.users, general).map { user, general in
            let support = user.support(size)
            let known = gather(support, population)
            let asked = gather(user.query, population)
            let similarities = matmul(asked, known, transposeB: true)
            let logits = general.logits.enumerated().map { item, logit in
                vote(similarities.row(item), support.labels, general: 1 / (1 + Foundation.exp(-logit)))
            }
            return ScoredQuery(logits: logits, labels: general.labels)
        }
    }

    /// The logit of one item.
    private func vote(_ similarities: ArraySlice<Float>, _ labels: [Float], general: Float) -> Float {
        let nearest = zip(similarities, labels).sorted { $0.0 > $1.0 }.prefix(count)
        var (sum, weight) = (damping * general, damping)
        for (similarity, label) in nearest {
            sum += max(similarity, 0) * label
            weight += max(similarity, 0)
        }
        let probability = min(max(sum / max(weight, 1e-6), 1e-6), 1 - 1e-6)
        return Foundation.log(probability / (1 - probability))
    }

    private func gather(_ examples: UserSupport, _ population: MetaPopulation) -> Matrix {
        let rows = examples.rows.flatMap { population.features.row(Int($0)) }
        return Matrix(rows: examples.count, columns: population.features.columns, values: rows)
    }
}
