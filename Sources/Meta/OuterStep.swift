package import Tensor

/// What the gradient of one outer step is asked with: the parameters, and the users' episodes cut into shards.
package struct OuterStep: Sendable {
    /// The fold that it is a step of, from 0.
    package let fold: Int
    /// Its number in the fold, from 1.
    package let number: Int
    /// Where the gradient is taken.
    package let parameters: MetaParameters
    /// The episodes; their cut depends on their number alone.
    package let shards: [[Episode]]
    /// What features are multiplied by.
    package let featureScale: Float
    /// What is lowered.
    package let objective: OuterObjective

    package init(
        fold: Int, number: Int, parameters: MetaParameters, shards: [[Episode]], featureScale: Float,
        objective: OuterObjective
    ) {
        (self.fold, self.number, self.parameters, self.shards) = (fold, number, parameters, shards)
        (self.featureScale, self.objective) = (featureScale, objective)
    }

    /// Contiguous parts whose sizes differ by one at most; no more than there are episodes, none of them empty.
    package static func cut(_ episodes: [Episode], into shards: Int) -> [[Episode]] {
        let count = min(max(1, shards), episodes.count)
        return (0..<count).map { shard in
            Array(episodes[shard * episodes.count / count..<(shard + 1) * episodes.count / count])
        }
    }

    /// The gradient of one shard: of the mean over that shard's users.
    package func gradient(ofShard shard: Int, features: Matrix) -> MetaParameters {
        let batch = EpisodeBatch(shards[shard], from: features, scale: featureScale)
        return OuterGradient(parameters, batch, objective).evaluate().gradient
    }

    /// The whole step's gradient, computed here: what any number of others make of its shards.
    package func gradient(features: Matrix) -> MetaParameters {
        sum(shards.indices.map { gradient(ofShard: $0, features: features) })
    }

    /// The whole step's gradient from its shards': each weighs as its users do, and they are added in order. In another order
    /// the last bits of a sum would be others, and with them the recipe.
    package func sum(_ gradients: [MetaParameters]) -> MetaParameters {
        precondition(gradients.count == shards.count, "a gradient a shard")
        let users = shards.reduce(0) { $0 + $1.count }
        var sum = MetaParameters(zerosLike: parameters)
        for (shard, gradient) in zip(shards, gradients) {
            let weight = Float(shard.count) / Float(users)
            for index in sum.values.indices { sum.values[index] += weight * gradient.values[index] }
        }
        return sum
    }
}

/// Computes the gradients of a step's shards somewhere else.
package protocol GradientSource: Sendable {
    /// One gradient a shard, in their order.
    func gradients(of step: OuterStep) async throws -> [MetaParameters]
}
