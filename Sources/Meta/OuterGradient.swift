import Foundation
import Tensor

/// The outer objective and its exact gradient through every inner step, second-order terms included.
///
/// `J = mean_u` of the ``OuterObjective`` of the query's logits after adapting on the support: each user weighs the same.
/// Exact MAML (Finn et al. 2017) over the rule of ``PreconditionedRule``, differentiated by hand; the inner Hessian is that of
/// a linear logistic model, so the exact terms cost as much as the forward pass.
package struct OuterGradient {
    private let parameters: MetaParameters
    private let batch: EpisodeBatch
    private let objective: OuterObjective

    package init(_ parameters: MetaParameters, _ batch: EpisodeBatch, _ objective: OuterObjective) {
        self.parameters = parameters
        self.batch = batch
        self.objective = objective
    }

    /// What the way back needs of one inner step.
    private struct Step {
        var state: Matrix
        var probabilities: [Float]
        var residuals: [Float]
        /// `Xᵀ r` of each user, `[users, width]`.
        var pulled: Matrix
        /// `Pᵀ Xᵀ r`.
        var direction: Matrix
        /// `exp(logRate) N^-p`, `[users]`.
        var rates: [Float]
        var keep: Float
    }

    /// The loss (nats) and its gradient, laid out as the parameters.
    package func evaluate() -> (loss: Float, gradient: MetaParameters) {
        let (steps, state, biases) = forward()
        let (loss, pull) = queryLoss(logits(of: batch.query, state: state, biases: biases))
        var gradient = MetaParameters(zerosLike: parameters)
        let pulled = batch.query.weightedSums(pull)
        addToStart(&gradient, pulled, pull)
        gradient.addToMatrix(pulled, state)
        var stateGradient = parameters.times(pulled)
        var biasGradient = batch.query.sums(pull)
        for (index, step) in steps.enumerated().reversed() {
            backward(step, index, &gradient, &stateGradient, &biasGradient)
        }
        return (loss, gradient)
    }

    /// The mean over users, and its gradient by each query logit.
    private func queryLoss(_ logits: [Float]) -> (loss: Float, pull: [Float]) {
        let share = 1 / Float(batch.query.counts.count)
        var loss: Float = 0
        var pull: [Float] = []
        pull.reserveCapacity(logits.count)
        for count in batch.query.counts {
            let own = pull.count..<pull.count + Int(count)
            let (userLoss, gradient) = objective.evaluate(logits: logits[own], labels: batch.query.labels[own])
            loss += share * userLoss
            pull += gradient.map { share * $0 }
        }
        return (loss, pull)
    }

    private func forward() -> (steps: [Step], state: Matrix, biases: [Float]) {
        let support = batch.support
        var state = Matrix(rows: support.counts.count, columns: parameters.width)
        var biases = [Float](repeating: 0, count: support.counts.count)
        var steps: [Step] = []
        for index in 0..<parameters.steps {
            let probabilities = logits(of: support, state: state, biases: biases).map(logistic)
            let residuals = zip(probabilities, support.labels).map { $0 - $1 }
            let pulled = support.weightedSums(residuals)
            let direction = parameters.times(pulled)
            let rate = Foundation.exp(parameters.values[parameters.logRateIndex(index)])
            let exponent = parameters.values[parameters.exponentIndex]
            let rates = support.counts.map { rate * Foundation.pow($0, -exponent) }
            let keep = 1 - logistic(parameters.values[parameters.decayIndex(index)])
            steps.append(
                Step(
                    state: state, probabilities: probabilities, residuals: residuals, pulled: pulled,
                    direction: direction, rates: rates, keep: keep))
            for user in 0..<state.rows {
                for place in user * state.columns..<(user + 1) * state.columns {
                    state.values[place] = keep * state.values[place] - rates[user] * direction.values[place]
                }
            }
            let biasRate = Foundation.exp(parameters.values[parameters.logBiasRateIndex(index)])
            let sums = support.sums(residuals)
            for user in biases.indices { biases[user] -= biasRate * sums[user] / support.counts[user] }
        }
        return (steps, state, biases)
    }

    /// One inner step's way back: from the gradients by the state and bias after it to those before it.
    private func backward(
        _ step: Step, _ index: Int, _ gradient: inout MetaParameters, _ stateGradient: inout Matrix,
        _ biasGradient: inout [Float]
    ) {
        let support = batch.support
        let width = parameters.width
        var directionGradient = stateGradient
        var forgotten: Float = 0
        for user in 0..<stateGradient.rows {
            var rateGradient: Float = 0
            for place in user * width..<(user + 1) * width {
                forgotten += stateGradient.values[place] * step.state.values[place]
                rateGradient -= stateGradient.values[place] * step.direction.values[place]
                directionGradient.values[place] *= -step.rates[user]
            }
            let byLogRate = rateGradient * step.rates[user]
            gradient.values[parameters.logRateIndex(index)] += byLogRate
            gradient.values[parameters.exponentIndex] -= byLogRate * Foundation.log(support.counts[user])
        }
        gradient.values[parameters.decayIndex(index)] -= forgotten * step.keep * (1 - step.keep)
        gradient.addToMatrix(step.pulled, directionGradient)

        let biasRate = Foundation.exp(parameters.values[parameters.logBiasRateIndex(index)])
        let residualSums = support.sums(step.residuals)
        for user in biasGradient.indices {
            gradient.values[parameters.logBiasRateIndex(index)] -=
                biasGradient[user] * biasRate * residualSums[user] / support.counts[user]
        }
        var logitGradient = ownedDots(
            support.features, parameters.times(directionGradient, transposed: true), owners: support.owners)
        for example in logitGradient.indices {
            let owner = Int(support.owners[example])
            let probability = step.probabilities[example]
            logitGradient[example] -= biasRate * biasGradient[owner] / support.counts[owner]
            logitGradient[example] *= probability * (1 - probability)
        }
        let pulled = support.weightedSums(logitGradient)
        addToStart(&gradient, pulled, logitGradient)
        gradient.addToMatrix(pulled, step.state)
        let back = parameters.times(pulled)
        for place in stateGradient.values.indices {
            stateGradient.values[place] = step.keep * stateGradient.values[place] + back.values[place]
        }
        for (user, sum) in support.sums(logitGradient).enumerated() { biasGradient[user] += sum }
    }

    /// `x · w0 + b0 + (x P) · a + c` of each example.
    private func logits(of examples: OwnedExamples, state: Matrix, biases: [Float]) -> [Float] {
        var logits = ownedDots(examples.features, parameters.times(state, transposed: true), owners: examples.owners)
        let width = parameters.width
        matmul(
            examples.features.values.span, parameters.values.span.extracting(0..<width), into: &logits,
            m: logits.count, n: 1, k: width, beta: 1)
        let bias = parameters.values[parameters.biasIndex]
        for index in logits.indices { logits[index] += bias + biases[Int(examples.owners[index])] }
        return logits
    }

    /// The part of the gradient that reaches `w0` and `b0` through logits: `pulled` sums `x` by user.
    private func addToStart(_ gradient: inout MetaParameters, _ pulled: Matrix, _ logitGradient: [Float]) {
        for user in 0..<pulled.rows {
            for column in 0..<pulled.columns { gradient.values[column] += pulled[user, column] }
        }
        gradient.values[parameters.biasIndex] += logitGradient.reduce(0, +)
    }
}
