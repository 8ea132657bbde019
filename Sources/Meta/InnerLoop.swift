import Foundation
import Tensor

/// One user's inner loop in the dual: with `Y` the support's directions `[N, width]` and `a = Yᵀ α`, every step costs
/// `O(N²)` on the Gram matrix `Y Yᵀ` and never touches the width again.
///
/// `α <- (1 - decay) α - rate N^-p r` is the step of ``PreconditionedRule`` because `Σ r_n y_n = Yᵀ r`.
struct InnerLoop {
    /// `Y Yᵀ`, shape `[count, count]`.
    let gram: [Float]
    /// `x · w0 + b0` of each example.
    let startLogits: [Float]
    /// `x · g + bg` of each example: as a user without an adapter is served.
    let generalLogits: [Float]
    let labels: [Float]
    let rule: PreconditionedRule
    let stepCount: Int
    /// `Y a0` of each example and `c0`, where the steps begin at a copy instead of zero.
    var warm: (logits: [Float], bias: Float)?

    var count: Int { labels.count }

    /// The state after the steps: the coefficients of `a` over the support's directions, and the bias.
    struct State {
        /// `[count]`; zero at excluded examples.
        var coefficients: [Float]
        /// `c`.
        var bias: Float
        /// What is left of the state that the steps began at; 0 where that was zero.
        var warmShare: Float
    }

    /// Where the steps begin.
    var initial: State {
        State(
            coefficients: [Float](repeating: 0, count: count), bias: warm?.bias ?? 0, warmShare: warm == nil ? 0 : 1)
    }

    /// Runs the steps on all examples but `excluded`, as if those had never been given.
    func fit(excluding excluded: [Int] = []) -> State {
        let used = Float(count - excluded.count)
        var state = initial
        guard used > 0 else { return state }
        let normalizer = Foundation.pow(used, -rule.supportExponent)
        for (index, step) in rule.steps.prefix(stepCount).enumerated() {
            // A state of zero before the first step: no product is needed for its logits.
            var residuals = index == 0 && warm == nil ? startLogits : logits(of: state)
            for example in 0..<count { residuals[example] = logistic(residuals[example]) - labels[example] }
            for example in excluded { residuals[example] = 0 }
            let keep = 1 - logistic(step.decayLogit)
            let rate = Foundation.exp(step.logRate) * normalizer
            for example in 0..<count {
                state.coefficients[example] = keep * state.coefficients[example] - rate * residuals[example]
            }
            state.warmShare *= keep
            state.bias -= Foundation.exp(step.logBiasRate) * residuals.reduce(0, +) / used
        }
        return state
    }

    /// Every example's logit, `share` of the way from the head without data to the state's.
    func logits(of state: State, share: Float = 1) -> [Float] {
        (0..<count).map { logit(of: $0, under: state, share: share) }
    }

    /// One example's logit, `share` of the way from the head without data to the state's.
    func logit(of example: Int, under state: State, share: Float = 1) -> Float {
        let row = example * count
        var sum: Float = 0
        for other in 0..<count { sum += gram[row + other] * state.coefficients[other] }
        if let warm { sum += state.warmShare * warm.logits[example] }
        let general = generalLogits[example]
        return general + share * (startLogits[example] + sum + state.bias - general)
    }
}

/// `1 / (1 + exp(-z))`.
func logistic(_ z: Float) -> Float { 1 / (1 + Foundation.exp(-z)) }

/// `log(1 + exp(z)) - y z`, nats, finite for every finite logit.
package func logLoss(logit z: Float, label y: Float) -> Float {
    max(z, 0) + Foundation.log1p(Foundation.exp(-abs(z))) - y * z
}

extension Float {
    /// The natural logarithm.
    var logarithm: Float { Foundation.log(self) }
}
