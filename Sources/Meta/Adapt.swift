import Adapters
public import Gate
import Tensor

/// Adapts a pack of users: the rule's steps in the dual, the guard, one product for all deltas, each rounded to the form
/// that is stored.
///
/// Blocking and single-threaded: call it from a compute thread, one BLAS thread each. The result depends on nothing but
/// the arguments, and a user's result not on who else is in the pack up to float rounding of the shared product.
/// - Parameters:
///   - batch: the users and their texts' projected features, made by this same rule.
///   - rule: the start and the steps.
///   - settings: steps, budgets, guard.
///   - form: how deltas are stored.
///   - warm: where users begin who are to begin at a copy of what they had. A copy that fits the support worse than the
///     rule's start is not used. The copy has seen the support, so that the guard can only judge the steps from it: where
///     they are worse than none, the copy is the result. Whether copies harm is for examples they have not seen to say.
/// - Returns: one result a user, in order. Supports must have passed ``UserSupport/check(labels:at:)``; of a longer one
///   the newest `settings.maximumExamples` are used.
/// - Complexity: `O(N² width)` a user for the Gram matrix, `O(width²)` for the delta.
public func adapt(
    _ batch: PackedSupport, with rule: PreconditionedRule, settings: AdaptationSettings,
    storing form: DeltaForm = .rows(MagnitudeGate()), from warm: WarmStarts? = nil
) -> [UserAdaptation] {
    precondition(batch.features.width == rule.width, "features of \(batch.features.width), a rule of \(rule.width)")
    precondition((1...rule.steps.count).contains(settings.steps), "\(settings.steps) of \(rule.steps.count) steps")
    var states = Matrix(rows: batch.users.count, columns: rule.width)
    var fits: [Fit] = []
    fits.reserveCapacity(batch.users.count)
    var scratch = SupportScratch(width: rule.width)
    for (index, user) in batch.users.enumerated() {
        scratch.gather(user, from: batch.features, newest: settings.maximumExamples)
        let start = warm?[index]
        let (fit, state) = Fit.make(scratch, from: start, rule: rule, settings: settings)
        fits.append(fit)
        scratch.combine(
            state.coefficients.map { $0 * settings.scale },
            plus: start.map { (settings.scale * state.warmShare, $0.state) },
            into: &states, row: index)
    }
    let deltas = rule.preconditioner.expand(states)
    let coefficients = form.coefficients(of: deltas)
    return fits.indices.map { index in
        fits[index].result(
            delta: Array(deltas.row(index)), coefficients: coefficients?.row(index), settings: settings, form: form)
    }
}

/// What is known of a user before the pack's deltas are formed.
private struct Fit {
    var examples: Int
    var bias: Float
    var lossBefore: Float
    var lossAfter: Float
    var leaveOut: LeaveOutLosses?
    /// Whether a copy is published without a step.
    var isCopy = false

    /// Fits all of the support and judges the rule on it. Where the steps from a copy are worse than none, or nothing says
    /// that they are not, the state is the copy's.
    static func make(
        _ support: SupportScratch, from start: (state: ArraySlice<Float>, bias: Float)?, rule: PreconditionedRule,
        settings: AdaptationSettings
    ) -> (Fit, InnerLoop.State) {
        var loop = InnerLoop(
            gram: support.gram(), startLogits: support.startLogits, generalLogits: support.generalLogits,
            labels: support.labels, rule: rule, stepCount: settings.steps)
        var lossBefore = meanLoss(support.generalLogits, support.labels)
        if let start {
            let startLoss = meanLoss(loop.logits(of: loop.initial, share: settings.scale), support.labels)
            loop.warm = (support.logits(of: start.state), start.bias)
            let copyLoss = meanLoss(loop.logits(of: loop.initial, share: settings.scale), support.labels)
            if copyLoss <= startLoss { lossBefore = copyLoss } else { loop.warm = nil }
        }
        var state = loop.fit()
        var fit = Fit(
            examples: support.count, bias: settings.scale * state.bias, lossBefore: lossBefore,
            lossAfter: meanLoss(loop.logits(of: state, share: settings.scale), support.labels))
        guard let guarding = settings.guarding else { return (fit, state) }
        if support.count >= guarding.minimumExamples {
            fit.leaveOut = LeaveOutGuard(loop: loop, share: settings.scale).losses()
        }
        let isProven = fit.leaveOut.map { $0.adapted <= $0.start } ?? (guarding.smallSupportGain > 0)
        if loop.warm != nil, !isProven {
            state = loop.initial
            (fit.isCopy, fit.bias, fit.lossAfter) = (true, settings.scale * state.bias, lossBefore)
            if let losses = fit.leaveOut { fit.leaveOut = LeaveOutLosses(start: losses.start, adapted: losses.start) }
        }
        return (fit, state)
    }

    func result(
        delta: [Float], coefficients: ArraySlice<Float>?, settings: AdaptationSettings, form: DeltaForm
    ) -> UserAdaptation {
        var adaptation = UserAdaptation(
            verdict: .kept(.notFinite), examples: examples, steps: settings.steps, rows: 0, lossBefore: lossBefore,
            lossAfter: lossAfter, leaveOut: leaveOut)
        if let refusal = isCopy ? nil : settings.guarding?.refusal(leaveOut) {
            adaptation.verdict = .kept(refusal)
            return adaptation
        }
        guard lossAfter.isFinite,
            let stored = form.stored(
                delta, coefficients, bias: bias, supportCount: examples, rowBudget: settings.rowBudget)
        else { return adaptation }
        adaptation.verdict = .adapted(stored)
        adaptation.rows = stored.valueCount
        return adaptation
    }

    private static func meanLoss(_ logits: [Float], _ labels: [Float]) -> Float {
        guard !labels.isEmpty else { return 0 }
        return zip(logits, labels).reduce(0) { $0 + logLoss(logit: $1.0, label: $1.1) } / Float(labels.count)
    }
}
