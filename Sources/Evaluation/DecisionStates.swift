package import Adapters
import Foundation
import Gate
package import Meta
package import Tensor

/// What a decision may do for a user, and what it sees of the user's support.
package struct DecisionStates {
    /// How far from the head without data each action goes; the first leaves the user as they are.
    static let shares: [Float] = [0, 0.25, 0.5, 1]

    let rule: PreconditionedRule
    let withoutData: LinearHead

    package init(rule: PreconditionedRule, withoutData: LinearHead) {
        (self.rule, self.withoutData) = (rule, withoutData)
    }

    /// One user's support, adapted on under every action.
    package struct Adapted {
        /// Of the support alone: leave-pair-out loss over the head without data at each share, what the fit gains on the
        /// support, its size, how unlike its classes' counts are, and how long the published difference is.
        package var state: [Double]
        /// One head an action, `[shares]`.
        package var heads: [LinearHead]
    }

    /// Adapts users under every action.
    package func adapted(_ supports: [UserSupport], features: Matrix) -> [Adapted] {
        let projected = rule.project(features, withoutData: withoutData)
        let runs = Self.shares.dropFirst().map { share in
            var settings = AdaptationSettings.unguarded(steps: rule.steps.count, width: rule.width)
            settings.scale = share
            // Everything is fitted and judged, nothing is refused: refusing is the policy's.
            settings.guarding = GuardSettings(
                minimumExamples: 2, smallSupportGain: 1, tolerance: .greatestFiniteMagnitude)
            return adapt(
                PackedSupport(features: projected, users: supports), with: rule, settings: settings,
                storing: .full(.float32))
        }
        return supports.indices.map { user in
            let own = runs.map { $0[user] }
            let positives = Double(supports[user].labels.reduce(0, +)) / Double(max(supports[user].count, 1))
            let whole = own[own.count - 1]
            let length = whole.delta.map { delta in
                delta.dense().weights.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            }
            return Adapted(
                state: own.map { $0.leaveOut.map { Double($0.adapted - $0.start) } ?? 0 } + [
                    Double(whole.lossAfter - whole.lossBefore), log(Double(max(supports[user].count, 1))),
                    abs(positives - 0.5), length ?? 0,
                ],
                heads: [withoutData]
                    + zip(own, Self.shares.dropFirst()).map { adaptation, share in
                        adaptation.delta?.applied(
                            to: rule.publishedStart(withoutData: withoutData, share: share)) ?? withoutData
                    })
        }
    }
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
        state.indices.map { min(max((state[$0] - means[$0]) / deviations[$0], -3), 3) }
    }
}
