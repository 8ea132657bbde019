package import Tensor

/// A start that all users share, and gradient descent from it.
package struct StartMethod: HeadMethod, Equatable {
    /// How it is learned.
    package enum Kind: Sendable, Equatable {
        /// With second derivatives (Finn et al. 2017).
        case exact
        /// Without (Nichol et al. 2018).
        case firstOrder
        /// By where users end up (Nichol et al. 2018).
        case reptile
        /// ``exact`` over all steps, annealed to the last, with a share of the start itself (Antoniou et al. 2019).
        case multiStep
    }

    /// The share of the start itself in the multi-step loss.
    static let zeroStepShare: Float = 0.2

    private let kind: Kind
    private let learnsRates: Bool
    private var start: [Float]
    private var rates: LearnedRates

    /// - Parameters:
    ///   - start: where learning begins.
    ///   - rates: nil: the plain rate, not learned.
    package init(_ kind: Kind, start: [Float], rates: LearnedRates? = nil) {
        self.kind = kind
        self.start = start
        learnsRates = rates != nil
        self.rates = rates ?? LearnedRates(rate: Self.plainRate, .shared, width: start.count, steps: 1)
    }

    package var values: [Float] {
        get { start + (learnsRates ? rates.logs : []) }
        set {
            start = Array(newValue.prefix(start.count))
            if learnsRates { rates.logs = Array(newValue.dropFirst(start.count)) }
        }
    }

    package func isScalar(_ index: Int) -> Bool { index >= start.count }

    package func gradient(
        _ batch: MethodBatch, stepCount: Int, progress: Float, random: inout RandomSource
    ) -> [Float] {
        let descent = UnrolledDescent(
            batch.problem, rates: rates, userScales: batch.userScales(stepCount: stepCount), stepCount: stepCount)
        let starts = Matrix(repeating: start, count: batch.problem.userCount)
        if kind == .reptile { return descent.reptile(from: starts).sumOfRows() }
        let weights =
            kind == .multiStep
            ? StepWeights.annealed(stepCount, progress: progress, zeroStepShare: Self.zeroStepShare)
            : StepWeights.last(stepCount)
        let gradient = descent.gradient(
            from: starts, weights: weights, order: kind == .firstOrder ? .firstOrder : .exact)
        return gradient.starts.sumOfRows() + (learnsRates ? gradient.logRates : [])
    }

    package func states(_ batch: MethodBatch, stepCount: Int, rateScale: Float) -> Matrix {
        let starts = Matrix(repeating: start, count: batch.problem.userCount)
        return UnrolledDescent(
            batch.problem, rates: rates, userScales: batch.userScales(stepCount: stepCount, rateScale: rateScale),
            stepCount: stepCount
        ).states(from: starts).last ?? starts
    }
}
