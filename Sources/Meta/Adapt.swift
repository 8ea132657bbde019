import Adapters
public import Gate
import Tensor

/// Adapts a pack of users: the rule's steps in the dual, the guard, one product for all deltas, rows gated and rounded.
///
/// Blocking and single-threaded: call it from a compute thread, one BLAS thread each. The result depends on nothing but
/// the arguments, and a user's result not on who else is in the pack up to float rounding of the shared product.
/// - Parameters:
///   - batch: the users and their texts' projected features, made by this same rule.
///   - rule: the start and the steps.
///   - settings: steps, budgets, guard.
///   - gate: chooses the stored rows.
/// - Returns: one result a user, in order. Supports must have passed ``UserSupport/check(labels:at:)``; of a longer one
///   the newest `settings.maximumExamples` are used.
/// - Complexity: `O(N² width)` a user for the Gram matrix, `O(width²)` for the delta.
public func adapt(
    _ batch: PackedSupport, with rule: PreconditionedRule, settings: AdaptationSettings,
    gate: some RowGate = MagnitudeGate()
) -> [UserAdaptation] {
    precondition(batch.features.width == rule.width, "features of \(batch.features.width), a rule of \(rule.width)")
    precondition((1...rule.steps.count).contains(settings.steps), "\(settings.steps) of \(rule.steps.count) steps")
    var states = Matrix(rows: batch.users.count, columns: rule.width)
    var fits: [Fit] = []
    fits.reserveCapacity(batch.users.count)
    var scratch = SupportScratch(width: rule.width)
    for (index, user) in batch.users.enumerated() {
        scratch.gather(user, from: batch.features, newest: settings.maximumExamples)
        let (fit, coefficients) = Fit.make(scratch, rule: rule, settings: settings)
        fits.append(fit)
        scratch.combine(coefficients, into: &states, row: index)
    }
    let deltas = rule.preconditioner.expand(states)
    return fits.indices.map { index in
        fits[index].result(delta: deltas.row(index), settings: settings, gate: gate)
    }
}

/// What is known of a user before the pack's deltas are formed.
private struct Fit {
    var examples: Int
    var bias: Float
    var lossBefore: Float
    var lossAfter: Float
    var leaveOut: LeaveOutLosses?

    /// Fits all of the support and judges the rule on it; the coefficients are those of `settings.scale` of the state.
    static func make(
        _ support: SupportScratch, rule: PreconditionedRule, settings: AdaptationSettings
    ) -> (Fit, coefficients: [Float]) {
        let loop = InnerLoop(
            gram: support.gram(), startLogits: support.startLogits, labels: support.labels, rule: rule,
            stepCount: settings.steps)
        let state = loop.fit()
        let logits = loop.logits(of: state, share: settings.scale)
        var leaveOut: LeaveOutLosses?
        if let guarding = settings.guarding, support.count >= guarding.minimumExamples {
            leaveOut = LeaveOutGuard(loop: loop, share: settings.scale).losses()
        }
        let fit = Fit(
            examples: support.count, bias: settings.scale * state.bias,
            lossBefore: meanLoss(support.startLogits, support.labels),
            lossAfter: meanLoss(logits, support.labels), leaveOut: leaveOut)
        return (fit, state.coefficients.map { $0 * settings.scale })
    }

    func result(delta: ArraySlice<Float>, settings: AdaptationSettings, gate: some RowGate) -> UserAdaptation {
        var adaptation = UserAdaptation(
            verdict: .kept(.notFinite), examples: examples, steps: settings.steps, rows: 0, lossBefore: lossBefore,
            lossAfter: lossAfter, leaveOut: leaveOut)
        if let guarding = settings.guarding {
            if let leaveOut {
                // Written so that a loss that is not a number rejects too.
                guard leaveOut.adapted <= leaveOut.start else {
                    adaptation.verdict = .kept(leaveOut.adapted.isFinite ? .guardRejected : .notFinite)
                    return adaptation
                }
            } else if guarding.smallSupportGain <= 0 {
                adaptation.verdict = .kept(.tooFewExamples)
                return adaptation
            }
        }
        let dense = Array(delta)
        let mask = gate.mask(for: GateInput(delta: dense, supportCount: examples, rowBudget: settings.rowBudget))
        guard lossAfter.isFinite, let stored = HeadDelta(quantizing: dense, keeping: mask.rows, bias: bias) else {
            return adaptation
        }
        adaptation.verdict = .adapted(stored)
        adaptation.rows = mask.rows.count
        return adaptation
    }

    private static func meanLoss(_ logits: [Float], _ labels: [Float]) -> Float {
        guard !labels.isEmpty else { return 0 }
        return zip(logits, labels).reduce(0) { $0 + logLoss(logit: $1.0, label: $1.1) } / Float(labels.count)
    }
}
