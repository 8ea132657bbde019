package import Adapters
import Foundation
import Gate
package import Meta
package import Tensor

/// What a decision may do for a user, and what it sees of the user's support.
package struct DecisionStates {
    /// What an action serves: some of the head without data and some of the user's own. Where they add up to less than one,
    /// scores lie closer together: the order stays the user's own, and less is lost where it is wrong.
    package struct Move: Sendable, Equatable, Codable {
        /// Of the head without data.
        package var general: Float
        /// Of the head that the rule fits.
        package var own: Float
    }

    /// The actions; the first leaves the user as they are.
    package static let moves = [
        Move(general: 1, own: 0), Move(general: 0.75, own: 0.25), Move(general: 0.5, own: 0.5),
        Move(general: 0.25, own: 0.5), Move(general: 0, own: 0.5), Move(general: 0, own: 0.75),
        Move(general: 0, own: 1),
    ]
    /// Half the way.
    static let half = 2
    /// Half the way, shrunk.
    static let shrunk = 3
    /// Shares of the way whose leave-pair-out losses a state holds.
    private static let judgedShares: [Float] = [0.25, 0.5, 1]
    /// Where a state holds the loss of half the way.
    static let halfLoss = 1

    let rule: PreconditionedRule
    let withoutData: LinearHead

    package init(rule: PreconditionedRule, withoutData: LinearHead) {
        (self.rule, self.withoutData) = (rule, withoutData)
    }

    /// One user's support, adapted on under every action.
    package struct Adapted {
        /// Of the support alone: leave-pair-out loss over the head without data at a quarter, half and all of the way, what the fit
        /// gains on the support, how long the difference is, how unlike the classes' counts are, the logarithm of its size, and the
        /// first five times that: what a loss is worth depends on how many examples it is of.
        package var state: [Double]
        /// One head an action, `[moves]`.
        package var heads: [LinearHead]
    }

    /// Adapts users under every action.
    package func adapted(_ supports: [UserSupport], features: Matrix) -> [Adapted] {
        let projected = rule.project(features, withoutData: withoutData)
        let runs = Self.judgedShares.map { share in
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
            let size = log(Double(max(supports[user].count, 1))) - Self.typicalLogSize
            let judged =
                own.map { $0.leaveOut.map { Double($0.adapted - $0.start) } ?? 0 } + [
                    Double(whole.lossAfter - whole.lossBefore), length ?? 0,
                ]
            return Adapted(
                state: judged + [abs(positives - 0.5), size] + judged.map { $0 * size },
                heads: Self.moves.map { move in
                    withoutData.mixed(
                        move.general, with: move.own, of: whole.delta?.applied(to: rule.start) ?? withoutData)
                })
        }
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
        state.indices.map { min(max((state[$0] - means[$0]) / deviations[$0], -3), 3) }
    }
}
