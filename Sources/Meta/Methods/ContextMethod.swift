package import Tensor

/// A ``ContextStart`` of each user's own, and gradient descent from it; generated heads take no steps.
package struct ContextMethod: HeadMethod, Equatable {
    /// How often a context is dropped while learning.
    package static let dropout = 0.15

    private let form: ContextStart.Form
    private var start: ContextStart
    private let rates: LearnedRates
    /// Where the general start began: what ``states(_:stepCount:rateScale:)`` scales a generated head's distance from.
    private let origin: [Float]

    package init(
        _ form: ContextStart.Form, start: [Float], contextWidth: Int, hidden: Int, random: inout RandomSource
    ) {
        self.form = form
        self.start = ContextStart(form, general: start, contextWidth: contextWidth, hidden: hidden, random: &random)
        rates = LearnedRates(rate: Self.plainRate, .shared, width: start.count, steps: 1)
        origin = start
    }

    package var values: [Float] {
        get { start.values }
        set { start.values = newValue }
    }

    package func isScalar(_ index: Int) -> Bool { false }

    package func gradient(
        _ batch: MethodBatch, stepCount: Int, progress: Float, random: inout RandomSource
    ) -> [Float] {
        let steps = form == .generated ? 0 : stepCount
        let dropped = (0..<batch.problem.userCount).map { _ in random.uniform() < Self.dropout }
        let pass = start.forward(batch.contexts, isDropped: dropped)
        let descent = UnrolledDescent(
            batch.problem, rates: rates, userScales: batch.userScales(stepCount: steps), stepCount: steps)
        // Without a share of its own the start of a user who takes no step is whatever steps like to begin at.
        let weights =
            steps == 0 ? [1] : StepWeights.annealed(steps, progress: 1, zeroStepShare: StartMethod.zeroStepShare)
        return start.backward(pass, descent.gradient(from: pass.starts, weights: weights, order: .exact).starts)
    }

    package func states(_ batch: MethodBatch, stepCount: Int, rateScale: Float) -> Matrix {
        var starts = start.forward(batch.contexts).starts
        guard form != .generated else {
            for user in 0..<starts.rows {
                for column in 0..<starts.columns {
                    starts[user, column] = origin[column] + rateScale * (starts[user, column] - origin[column])
                }
            }
            return starts
        }
        return UnrolledDescent(
            batch.problem, rates: rates, userScales: batch.userScales(stepCount: stepCount, rateScale: rateScale),
            stepCount: stepCount
        ).states(from: starts).last ?? starts
    }
}
