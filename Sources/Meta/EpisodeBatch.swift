package import Tensor

/// Users' examples laid end to end, each row owned by one user.
package struct OwnedExamples: Sendable {
    /// `[examples, width]`.
    package let features: Matrix
    package let labels: [Float]
    /// Which user of the batch each example belongs to.
    package let owners: [Int32]
    /// Examples of each user, `[users]`.
    package let counts: [Float]

    /// Gathers users' examples from shared features, multiplied by `scale`.
    package init(_ users: [UserSupport], from features: Matrix, scale: Float) {
        var values: [Float] = []
        var labels: [Float] = []
        var owners: [Int32] = []
        values.reserveCapacity(users.reduce(0) { $0 + $1.count } * features.columns)
        for (index, user) in users.enumerated() {
            for row in user.rows { values.append(contentsOf: features.row(Int(row)).lazy.map { $0 * scale }) }
            labels.append(contentsOf: user.labels)
            owners.append(contentsOf: repeatElement(Int32(index), count: user.count))
        }
        self.features = Matrix(rows: labels.count, columns: features.columns, values: values)
        self.labels = labels
        self.owners = owners
        counts = users.map { Float($0.count) }
    }

    /// Each owner's sum of one number an example, `[users]`.
    func sums(_ values: [Float]) -> [Float] {
        var sums = [Float](repeating: 0, count: counts.count)
        for (value, owner) in zip(values, owners) { sums[Int(owner)] += value }
        return sums
    }

    /// Each owner's weighted sum of feature rows, `[users, width]`.
    func weightedSums(_ weights: [Float]) -> Matrix {
        var sums = Matrix(rows: counts.count, columns: features.columns)
        addOwnedSums(features, weights: weights, owners: owners, into: &sums)
        return sums
    }
}

/// Several users' adaptation problems, of one outer step.
package struct EpisodeBatch: Sendable {
    /// What is adapted on.
    package let support: OwnedExamples
    /// What is scored after adapting; no example of it is in the support.
    package let query: OwnedExamples

    package init(support: OwnedExamples, query: OwnedExamples) {
        precondition(support.counts.count == query.counts.count, "as many queries as supports")
        self.support = support
        self.query = query
    }

    /// Gathers episodes from shared features, multiplied by `scale`.
    init(_ episodes: [Episode], from features: Matrix, scale: Float) {
        self.init(
            support: OwnedExamples(episodes.map(\.support), from: features, scale: scale),
            query: OwnedExamples(episodes.map(\.query), from: features, scale: scale))
    }
}
