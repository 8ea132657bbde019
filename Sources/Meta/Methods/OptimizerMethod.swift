package import Tensor

/// A ``LearnedOptimizer`` of heads, from a start that is learned with it.
package struct OptimizerMethod: HeadMethod, Equatable {
    /// How the gradient is had.
    package enum Estimator: Sendable, Equatable {
        /// Backwards through the network, inner gradients taken as constants.
        case backpropagation
        /// From losses of whole unrolls at perturbed optimisers: unbiased, and noisy. The start stays where it is.
        case evolution(pairs: Int, sigma: Float)
    }

    private let estimator: Estimator
    private var start: [Float]
    private var optimizer: LearnedOptimizer

    /// - Parameters:
    ///   - start: a head's weights, then its bias.
    ///   - hidden: units of the network's hidden layers.
    package init(start: [Float], hidden: [Int], estimator: Estimator, random: inout RandomSource) {
        self.estimator = estimator
        self.start = start
        optimizer = LearnedOptimizer(
            tensors: [0..<start.count - 1, start.count - 1..<start.count], rate: Self.plainRate, hidden: hidden,
            random: &random)
    }

    package var values: [Float] {
        get { start + optimizer.values }
        set {
            start = Array(newValue.prefix(start.count))
            optimizer.values = Array(newValue.dropFirst(start.count))
        }
    }

    package func isScalar(_ index: Int) -> Bool {
        (start.count..<start.count + optimizer.logRates.count).contains(index)
    }

    package func gradient(
        _ batch: MethodBatch, stepCount: Int, progress: Float, random: inout RandomSource
    ) -> [Float] {
        let starts = Matrix(repeating: start, count: batch.problem.userCount)
        let scales = batch.userScales(stepCount: stepCount)
        switch estimator {
        case .backpropagation:
            let gradient = optimizer.gradient(batch.problem, from: starts, userScales: scales, stepCount: stepCount)
            return gradient.starts.sumOfRows() + gradient.values
        case .evolution(let pairs, let sigma):
            var moved = optimizer
            let gradient = EvolutionStrategies.gradient(
                at: optimizer.values, sigma: sigma, pairs: pairs, random: &random
            ) { values in
                moved.values = values
                let states = moved.states(batch.problem, from: starts, userScales: scales, stepCount: stepCount)
                let losses = batch.problem.query(at: states[stepCount]).losses
                return losses.reduce(0) { $0 + Double($1) } / Double(max(1, losses.count))
            }
            return [Float](repeating: 0, count: start.count) + gradient
        }
    }

    package func states(_ batch: MethodBatch, stepCount: Int, rateScale: Float) -> Matrix {
        let starts = Matrix(repeating: start, count: batch.problem.userCount)
        return optimizer.states(
            batch.problem, from: starts,
            userScales: batch.userScales(stepCount: stepCount, rateScale: rateScale), stepCount: stepCount
        ).last ?? starts
    }
}
