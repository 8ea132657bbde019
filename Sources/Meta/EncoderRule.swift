public import Adapters
import Foundation
import Model
public import Tensor

/// A learned update rule for a user's adapters inside an encoder: where every user starts, and a rate for each tensor and
/// step.
///
/// With `N` examples in the support and `g` the gradient of their mean loss, step `k` moves tensor `t` by
/// `-exp(logRates[k][t]) N^supportExponent g_t`: Meta-SGD (Li et al. 2017) with a rate a tensor instead of one a parameter,
/// and of its own in each step. The head's weights are preconditioned as ``PreconditionedRule`` does it.
public struct EncoderRule: Sendable {
    /// Sites, kinds and the head.
    public let plan: AdapterPlan
    /// One user's row of the plan, `[plan.parameterCount]`.
    public var start: [Float]
    /// `[steps][plan.tensorRanges]`.
    public var logRates: [[Float]]
    /// How rates grow with the support.
    public var supportExponent: Float
    /// `P`: the gradient of the head's weights is multiplied by `P Pᵀ`.
    public let preconditioner: Preconditioner
    /// Entries of each sparse delta that a user may move off the start; nil: all.
    public var entryBudget: Int?

    /// States a rule.
    public init(
        _ plan: AdapterPlan, start: [Float], logRates: [[Float]], supportExponent: Float,
        preconditioner: Preconditioner = .isotropic(1), entryBudget: Int? = nil
    ) {
        precondition(
            start.count == plan.parameterCount && !logRates.isEmpty
                && logRates.allSatisfy { $0.count == plan.tensorRanges.count }, "a rule of another plan")
        (self.plan, self.start, self.logRates, self.supportExponent) = (plan, start, logRates, supportExponent)
        (self.preconditioner, self.entryBudget) = (preconditioner, entryBudget)
    }

    /// What learning begins with: adapters that change nothing, and a head that the first step moves as a rule of the pooled
    /// output does, the others hardly.
    ///
    /// - Parameters:
    ///   - rule: as wide as the base.
    ///   - plan: with a head of one score.
    ///   - steps: at least 1.
    ///   - entryBudget: ``entryBudget``.
    public static func following(
        _ rule: PreconditionedRule, _ plan: AdapterPlan, steps: Int, entryBudget: Int? = nil,
        _ random: inout RandomSource
    ) -> EncoderRule {
        // The pooled rule's bias does not move faster with a larger support; here all tensors share the exponent, so that the two
        // agree at a support in the middle of 4 to 32.
        let (first, typicalSupport): (StepParameters, Float) = (rule.steps[0], 12)
        let exponent = 1 - rule.supportExponent
        let adapters = [Float](repeating: log(0.1), count: plan.tensorRanges.count - 2)
        return EncoderRule(
            plan, start: start(of: plan, head: rule.start, &random),
            logRates: (0..<steps).map { step in
                let fading: Float = step == 0 ? 0 : 3
                return adapters
                    + [first.logRate, first.logBiasRate - exponent * log(typicalSupport)].map { $0 - fading }
            }, supportExponent: exponent, preconditioner: rule.preconditioner,
            entryBudget: entryBudget)
    }

    /// A row of a plan: adapters that change nothing, and a head.
    public static func start(
        of plan: AdapterPlan, head: LinearHead, _ random: inout RandomSource
    ) -> [Float] {
        precondition(plan.head == .binary && head.width == plan.configuration.width, "a head of one score")
        return plan.initialParameters(&random).dropLast(head.width + 1) + head.weights + [head.bias]
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
