package import Tensor

/// Gradient descent of every user of a batch for some steps, and the derivative of where it leads.
///
/// ```
/// A_{k+1} = A_k - s_u alpha_k . g_k          J = mean_u Σ_k w_k L_Q(A_k),  k = 0...K
/// ```
package struct UnrolledDescent {
    /// How the way back treats the inner gradients.
    package enum Order: Sendable, Equatable {
        /// As what they are: with Hessian-vector products (MAML, Finn et al. 2017).
        case exact
        /// As constants (FOMAML, Nichol et al. 2018).
        case firstOrder
    }

    /// The outer loss and its gradient.
    package struct Gradient {
        /// Mean over users.
        package var loss: Float
        /// By each user's start, `[users, width]`, each user's share of the mean; the sum of rows is that of a shared start.
        package var starts: Matrix
        /// By ``LearnedRates/logs``.
        package var logRates: [Float]
    }

    private let problem: any InnerProblem
    private let rates: LearnedRates
    /// `s_u`: what one user's rates are multiplied by.
    private let userScales: [Float]
    private let stepCount: Int

    package init(_ problem: any InnerProblem, rates: LearnedRates, userScales: [Float], stepCount: Int) {
        precondition(userScales.count == problem.userCount, "\(userScales.count) scales")
        (self.problem, self.rates, self.userScales, self.stepCount) = (problem, rates, userScales, stepCount)
    }

    /// `A_0` to `A_K`, each `[users, width]`.
    package func states(from starts: Matrix) -> [Matrix] { unroll(starts).states }

    /// `A_0 - A_K` of each user as its share of the mean: Reptile's stand-in for a gradient, which asks for no query.
    package func reptile(from starts: Matrix) -> Matrix {
        var difference = starts
        let last = states(from: starts).last ?? starts
        for index in difference.values.indices {
            difference.values[index] = (difference.values[index] - last.values[index]) / Float(problem.userCount)
        }
        return difference
    }

    /// The outer loss and gradient.
    ///
    /// - Parameters:
    ///   - starts: `A_0`, `[users, width]`.
    ///   - weights: `w_0` to `w_K`.
    package func gradient(from starts: Matrix, weights: [Float], order: Order) -> Gradient {
        precondition(weights.count == stepCount + 1, "\(weights.count) weights for \(stepCount) steps")
        let (states, gradients) = unroll(starts)
        var loss: Float = 0
        var pull = Matrix(rows: starts.rows, columns: starts.columns)
        var byStep = [[Float]](repeating: [Float](repeating: 0, count: problem.width), count: stepCount)
        for step in stride(from: stepCount, through: 0, by: -1) {
            if step < stepCount {
                let alpha = rates.rates(step: step)
                // What the update is multiplied by, and how it reaches the rates and the state before it.
                var scaled = pull
                for user in 0..<pull.rows {
                    for column in 0..<pull.columns {
                        let place = user * pull.columns + column
                        scaled.values[place] *= userScales[user] * alpha[column]
                        byStep[step][column] -= scaled.values[place] * gradients[step].values[place]
                    }
                }
                if order == .exact {
                    let bent = problem.supportCurvature(at: states[step], times: scaled)
                    for place in pull.values.indices { pull.values[place] -= bent.values[place] }
                }
            }
            guard weights[step] != 0 else { continue }
            let share = weights[step] / Float(problem.userCount)
            let (losses, query) = problem.query(at: states[step])
            loss += share * losses.reduce(0, +)
            for place in pull.values.indices { pull.values[place] += share * query.values[place] }
        }
        return Gradient(loss: loss, starts: pull, logRates: rates.gradient(byStep: byStep))
    }

    private func unroll(_ starts: Matrix) -> (states: [Matrix], gradients: [Matrix]) {
        var states = [starts]
        var gradients: [Matrix] = []
        for step in 0..<stepCount {
            let alpha = rates.rates(step: step)
            var state = states[step]
            let gradient = problem.supportGradient(at: state)
            for user in 0..<state.rows {
                let first = user * state.columns
                let scale = userScales[user]
                for column in 0..<state.columns {
                    state.values[first + column] -= scale * alpha[column] * gradient.values[first + column]
                }
            }
            states.append(state)
            gradients.append(gradient)
        }
        return (states, gradients)
    }
}

/// How much each state on the way counts in the outer loss.
package enum StepWeights {
    /// Only the last.
    package static func last(_ stepCount: Int) -> [Float] {
        [Float](repeating: 0, count: stepCount) + [1]
    }

    /// The multi-step loss of MAML++ (Antoniou et al. 2019): every step counts the same at first, in the end only the last; the
    /// start itself has a share of its own, so that it serves users without data too.
    ///
    /// - Parameters:
    ///   - progress: how far learning is, within `0...1`.
    ///   - zeroStepShare: of the start, within `0...1`.
    package static func annealed(_ stepCount: Int, progress: Float, zeroStepShare: Float) -> [Float] {
        guard stepCount > 0 else { return [1] }
        let early = (1 - min(max(progress, 0), 1)) / Float(stepCount)
        let late = 1 - early * Float(stepCount - 1)
        let steps = [Float](repeating: early, count: stepCount - 1) + [late]
        return [zeroStepShare] + steps.map { $0 * (1 - zeroStepShare) }
    }
}
