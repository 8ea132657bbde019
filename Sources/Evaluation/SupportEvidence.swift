import Foundation
import Meta
import Tensor

/// What one user's support says about adapting them: how heads that were fitted without some examples score those.
package struct SupportEvidence {
    /// 1 or 0, one an example.
    package let labels: [Float]
    /// The examples that are left out together, a positive before a negative where there are both.
    package let groups: [[Int]]
    /// Logits of the examples under the head without data.
    package let general: [Float]
    /// The same under the user's own head.
    package let own: [Float]
    /// Of each group's examples under a head that was fitted without them.
    package let leftOut: [[Float]]
    /// How far the own head is from the rule's start.
    package let length: Double
    /// The cosine of the ways from the start to heads that were fitted to half of the groups each.
    package let agreement: Double

    package init(
        labels: [Float], groups: [[Int]], general: [Float], own: [Float], leftOut: [[Float]], length: Double,
        agreement: Double
    ) {
        precondition(general.count == labels.count && own.count == labels.count, "a logit an example")
        precondition(leftOut.map(\.count) == groups.map(\.count), "a logit an example left out")
        (self.labels, self.groups, self.general, self.own) = (labels, groups, general, own)
        (self.leftOut, self.length, self.agreement) = (leftOut, length, agreement)
    }

    /// Where ``features`` hold the leave-pair-out loss of half the way over that of the head without data, nats.
    package static let halfLoss = 1

    /// Leave-pair-out loss over the head without data at a quarter, half and all of the way, what the fit gains on the support, how
    /// far it went, how sure half the way's loss is, how many pairs are put right, how well halves of the support agree, how
    /// far apart own scores lie, what the head without data loses on the support, how unlike the classes' counts are, the
    /// logarithm of the size, and the first ten times that: what a loss is worth depends on how many examples it is of.
    package var features: [Double] {
        let shares: [Float] = [0.25, 0.5, 1]
        let losses = shares.map(leaveOutLosses)
        let half = losses[Self.halfLoss]
        let size = log(Double(max(labels.count, 1))) - Self.typicalLogSize
        let judged =
            losses.map(Self.mean) + [
                Self.mean(self.losses(own)) - Self.mean(self.losses(general)), length,
                // A deviation of few pairs may be next to nothing by chance.
                Self.mean(half) / (Self.deviation(half) / Double(half.count).squareRoot() + 0.02),
                rankedRight, agreement, Self.deviation(own.map(Double.init)), Self.mean(self.losses(general)),
            ]
        let positives = Double(labels.reduce(0, +)) / Double(max(labels.count, 1))
        return judged + [abs(positives - 0.5), size] + judged.map { $0 * size }
    }

    /// One difference a group, when the share of the way is gone.
    private func leaveOutLosses(share: Float) -> [Double] {
        zip(groups, leftOut).map { group, logits in
            let differences = zip(group, logits).map { example, logit -> Double in
                let moved = (1 - share) * general[example] + share * logit
                return Double(
                    logLoss(logit: moved, label: labels[example])
                        - logLoss(logit: general[example], label: labels[example]))
            }
            return Self.mean(differences)
        }
    }

    /// Share of left-out pairs whose positive is scored above its negative.
    private var rankedRight: Double {
        Self.mean(leftOut.map { $0.count < 2 || $0[0] == $0[1] ? 0.5 : $0[0] > $0[1] ? 1 : 0 })
    }

    private func losses(_ logits: [Float]) -> [Double] {
        zip(logits, labels).map { Double(logLoss(logit: $0, label: $1)) }
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }

    private static func deviation(_ values: [Double]) -> Double {
        let mean = mean(values)
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (square / Double(max(values.count - 1, 1))).squareRoot()
    }

    /// The middle of `log 4` to `log 32`.
    private static let typicalLogSize = 2.4
}

/// Moves and scales features so that each has mean 0 and deviation 1 over the users it was made from, within -3...3.
package struct StateScale {
    private let means: [Double]
    private let deviations: [Double]

    package init(_ states: [[Double]]) {
        let count = Double(max(states.count, 1))
        let width = states.first?.count ?? 0
        let means = (0..<width).map { column in states.reduce(0) { $0 + $1[column] } / count }
        self.means = means
        deviations = (0..<width).map { column in
            let square = states.reduce(0) { $0 + ($1[column] - means[column]) * ($1[column] - means[column]) }
            return max((square / count).squareRoot(), 1e-6)
        }
    }

    package func callAsFunction(_ state: [Double]) -> [Double] {
        state.indices.map { min(max(scaled(state[$0], feature: $0), -3), 3) }
    }

    /// One feature's value, without the limits.
    package func scaled(_ value: Double, feature: Int) -> Double { (value - means[feature]) / deviations[feature] }
}
