import Foundation

/// Which of a few actions a user gets, as a policy: a softmax whose logits are linear in features of the user's support.
public struct CategoricalPolicy: Sendable, Equatable, Codable {
    /// Features of a support.
    public let features: Int
    /// Actions.
    public let actions: Int
    /// `[actions][features + 1]`: an action's weights and its bias.
    public var weights: [Double]

    /// A policy under which every action is as likely.
    public init(features: Int, actions: Int) {
        (self.features, self.actions) = (features, actions)
        weights = [Double](repeating: 0, count: actions * (features + 1))
    }

    /// `π(a)` of every action, `[actions]`.
    ///
    /// - Parameter state: `[features]`; of the support alone, never of what is scored.
    public func probabilities(for state: [Double]) -> [Double] {
        let logits = logits(for: state)
        let largest = logits.max() ?? 0
        let exponentials = logits.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }

    /// The likeliest action, the lower where two are alike: what a job does.
    public func action(for state: [Double]) -> Int {
        let logits = logits(for: state)
        return logits.indices.max { (logits[$0], $1) < (logits[$1], $0) } ?? 0
    }

    /// `d log π(a) / dl = onehot(a) - π`, `[actions]`.
    public static func logProbabilityGradient(of action: Int, _ probabilities: [Double]) -> [Double] {
        probabilities.indices.map { ($0 == action ? 1 : 0) - probabilities[$0] }
    }

    /// `H = -Σ_a π(a) log π(a)`, nats.
    public static func entropy(_ probabilities: [Double]) -> Double {
        -probabilities.reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }
    }

    /// `dH/dl_a = -π(a) (log π(a) + H)`.
    public static func entropyGradient(_ probabilities: [Double]) -> [Double] {
        let entropy = entropy(probabilities)
        return probabilities.map { $0 > 0 ? -$0 * (log($0) + entropy) : 0 }
    }

    private func logits(for state: [Double]) -> [Double] {
        precondition(state.count == features, "\(state.count) features, not \(features)")
        return (0..<actions).map { action in
            let row = action * (features + 1)
            return state.indices.reduce(weights[row + features]) { $0 + weights[row + $1] * state[$1] }
        }
    }

    /// Adds a gradient by a state's logits to one by the weights.
    package func add(_ logitGradient: [Double], at state: [Double], to gradient: inout [Double]) {
        for (action, slope) in logitGradient.enumerated() {
            let row = action * (features + 1)
            for (index, value) in state.enumerated() { gradient[row + index] += slope * value }
            gradient[row + features] += slope
        }
    }
}
