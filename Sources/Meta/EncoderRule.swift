public import Adapters
import Foundation
public import Tensor

/// A learned update rule for a user's adapters inside an encoder: where every user starts, and a rate for each tensor and
/// step.
///
/// With `N` examples in the support and `g` the gradient of their mean loss, step `k` moves tensor `t` by
/// `-exp(logRates[k][t]) N^supportExponent g_t`: Meta-SGD (Li et al. 2017) with a rate a tensor instead of one a parameter,
/// and of its own in each step.
public struct EncoderRule: Sendable {
    /// Sites, kinds and the head.
    public let plan: AdapterPlan
    /// One user's row of the plan, `[plan.parameterCount]`.
    public var start: [Float]
    /// `[steps][plan.tensorRanges]`.
    public var logRates: [[Float]]
    /// How rates grow with the support.
    public var supportExponent: Float

    /// States a rule.
    public init(_ plan: AdapterPlan, start: [Float], logRates: [[Float]], supportExponent: Float) {
        precondition(
            start.count == plan.parameterCount && !logRates.isEmpty
                && logRates.allSatisfy { $0.count == plan.tensorRanges.count }, "a rule of another plan")
        (self.plan, self.start, self.logRates, self.supportExponent) = (plan, start, logRates, supportExponent)
    }

    /// What learning begins with: adapters that change nothing, the head for everyone, and rates for features of unit norm that
    /// grow with the root of the support.
    ///
    /// - Parameters:
    ///   - plan: with a head of one score.
    ///   - head: for everyone.
    ///   - steps: at least 1.
    public static func plain(
        _ plan: AdapterPlan, head: LinearHead, steps: Int, _ random: inout RandomSource
    ) -> EncoderRule {
        precondition(plan.head == .binary, "a head of one score")
        var start = plan.initialParameters(&random)
        start.replaceSubrange(start.count - head.width - 1..<start.count, with: head.weights + [head.bias])
        let adapters = [Float](repeating: log(0.1), count: plan.tensorRanges.count - 2)
        return EncoderRule(
            plan, start: start, logRates: (0..<steps).map { _ in adapters + [log(1), log(0.05)] },
            supportExponent: 0.5)
    }

    /// What the outer loop learns, as one flat vector: start, rates by step, exponent.
    package var metaParameters: [Float] {
        get { start + logRates.flatMap(\.self) + [supportExponent] }
        set {
            let tensors = plan.tensorRanges.count
            start = Array(newValue[..<plan.parameterCount])
            logRates = logRates.indices.map { step in
                let first = plan.parameterCount + step * tensors
                return Array(newValue[first..<first + tensors])
            }
            supportExponent = newValue[newValue.count - 1]
        }
    }

    /// What a step multiplies each tensor's gradient by, `[plan.tensorRanges]`.
    func rates(step: Int, examples: Int) -> [Float] {
        let growth = pow(Float(max(examples, 1)), supportExponent)
        return logRates[step].map { exp($0) * growth }
    }
}
