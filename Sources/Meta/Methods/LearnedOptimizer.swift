import Foundation
package import Tensor

/// A small update rule that every parameter shares: a perceptron over what a parameter's past gradients look like (Metz et al.
/// 2022, with accumulators for a short horizon), around gradient descent with a learned rate a tensor.
///
/// ```
/// U = s_u alpha_T g exp(m mag) + d max(rms_T(A_0), 1e-2) dir          (dir, mag) = network(features)
/// ```
/// each tensor's U shortened to at most ``normLimit``. The network's last layer begins at zero: what is learned is a change to
/// descent that already works, and where nothing was learned the rule is ``UnrolledDescent``.
///
/// The gradient takes features and inner gradients as constants (no second derivatives), and is exact for one step.
package struct LearnedOptimizer: Sendable, Equatable {
    /// Momenta's decays.
    static let momenta: [Float] = [0.5, 0.9, 0.99]
    /// The decay of squared gradients.
    static let squareDecay: Float = 0.9
    /// Steps at which the time features turn.
    static let horizons: [Float] = [1, 3, 10, 30]
    /// `m`: how strongly an output of one changes the size of a step.
    static let magnitudeScale: Float = 0.3
    /// `d`: how far an output of one moves a parameter beside it.
    static let directionScale: Float = 0.01
    /// The longest update of a tensor: far beyond what descends, so that only what would diverge is shortened.
    static let normLimit: Float = 100

    /// Ranges of a user's parameters, one after the other.
    package let tensors: [Range<Int>]
    /// `log alpha_T`, one a tensor.
    package var logRates: [Float]
    /// Two outputs a parameter.
    package var network: DenseNetwork

    package init(tensors: [Range<Int>], rate: Float, hidden: [Int], random: inout RandomSource) {
        self.tensors = tensors
        logRates = tensors.map { _ in rate.logarithm }
        network = DenseNetwork(sizes: [Self.inputs(tensors.count)] + hidden + [2], random: &random)
    }

    /// Gradient, distance from the start, momenta, momenta over root mean square, its inverse, all normalised; then time, tensor.
    private static func inputs(_ tensors: Int) -> Int { 3 + 2 * momenta.count + horizons.count + 2 + tensors }

    /// All meta-parameters: rates, then the network's.
    package var values: [Float] {
        get { logRates + network.values }
        set {
            logRates = Array(newValue.prefix(logRates.count))
            network.values = Array(newValue.dropFirst(logRates.count))
        }
    }

    /// One update, and what its way back needs.
    struct Update {
        var activations: [Matrix]
        /// `s_u alpha_T g exp(m mag)`.
        var descent: Matrix
        /// `d max(rms_T(A_0), 1e-2)`, `[users, tensors]`.
        var reach: Matrix
        /// What a tensor's update was shortened by, `[users, tensors]`; 1 where it was not.
        var shares: Matrix
        var update: Matrix
    }

    /// `A_0` to `A_K` of every user, each `[users, width]`.
    package func states(
        _ problem: any InnerProblem, from starts: Matrix, userScales: [Float], stepCount: Int
    ) -> [Matrix] {
        unroll(problem, starts, userScales, stepCount).states
    }

    /// The outer loss after the last step, its gradient by ``values`` and, first-order, by each user's start.
    package func gradient(
        _ problem: any InnerProblem, from starts: Matrix, userScales: [Float], stepCount: Int
    ) -> (loss: Float, values: [Float], starts: Matrix) {
        let (states, updates) = unroll(problem, starts, userScales, stepCount)
        let share = 1 / Float(problem.userCount)
        var (losses, pull) = problem.query(at: states[stepCount])
        for place in pull.values.indices { pull.values[place] *= share }
        var gradient = [Float](repeating: 0, count: values.count)
        for update in updates {
            for (index, value) in backward(update, pull).enumerated() { gradient[index] += value }
        }
        losses = losses.map { $0 * share }
        return (losses.reduce(0, +), gradient, pull)
    }

    private func unroll(
        _ problem: any InnerProblem, _ starts: Matrix, _ userScales: [Float], _ stepCount: Int
    ) -> (states: [Matrix], updates: [Update]) {
        var memory = GradientMemory(like: starts, tensors: tensors)
        var states = [starts]
        var updates: [Update] = []
        for step in 0..<stepCount {
            let gradient = problem.supportGradient(at: states[step])
            let input = memory.features(gradient, state: states[step], start: starts, step: step, of: stepCount)
            let update = update(input, gradient, starts, userScales)
            var state = states[step]
            for place in state.values.indices { state.values[place] -= update.update.values[place] }
            states.append(state)
            updates.append(update)
        }
        return (states, updates)
    }

    private func update(_ input: Matrix, _ gradient: Matrix, _ starts: Matrix, _ userScales: [Float]) -> Update {
        let activations = network.forward(input)
        let outputs = activations.last ?? input
        var result = Update(
            activations: activations, descent: gradient, reach: Matrix(rows: gradient.rows, columns: tensors.count),
            shares: Matrix(rows: gradient.rows, columns: tensors.count, filledWith: 1), update: gradient)
        for user in 0..<gradient.rows {
            for (tensor, range) in tensors.enumerated() {
                let first = user * gradient.columns
                let places = first + range.lowerBound..<first + range.upperBound
                let size = GradientMemory.rootMeanSquare(starts.values[places])
                let reach = Self.directionScale * max(size, 1e-2)
                let rate = userScales[user] * Foundation.exp(logRates[tensor])
                result.reach[user, tensor] = reach
                var square: Float = 0
                for place in places {
                    result.descent.values[place] =
                        rate * gradient.values[place] * Foundation.exp(Self.magnitudeScale * outputs[place, 1])
                    result.update.values[place] = result.descent.values[place] + reach * outputs[place, 0]
                    square += result.update.values[place] * result.update.values[place]
                }
                guard square > Self.normLimit * Self.normLimit else { continue }
                let share = Self.normLimit / square.squareRoot()
                result.shares[user, tensor] = share
                for place in places { result.update.values[place] *= share }
            }
        }
        return result
    }

    /// The gradient by ``values`` of an update that is taken away: `pull` is the one by the state after it.
    private func backward(_ update: Update, _ pull: Matrix) -> [Float] {
        var outputs = Matrix(rows: pull.values.count, columns: 2)
        var byRate = [Float](repeating: 0, count: tensors.count)
        for user in 0..<pull.rows {
            for (tensor, range) in tensors.enumerated() {
                let first = user * pull.columns
                let places = first + range.lowerBound..<first + range.upperBound
                let share = update.shares[user, tensor]
                // A shortened update moves only across itself.
                var along: Float = 0
                if share < 1 {
                    for place in places { along += pull.values[place] * update.update.values[place] }
                    along /= Self.normLimit * Self.normLimit
                }
                for place in places {
                    let own = -share * (pull.values[place] - along * update.update.values[place])
                    outputs[place, 0] = own * update.reach[user, tensor]
                    outputs[place, 1] = own * Self.magnitudeScale * update.descent.values[place]
                    byRate[tensor] += own * update.descent.values[place]
                }
            }
        }
        return byRate + network.backward(update.activations, outputs).values
    }
}

/// What a learned optimiser remembers of every parameter's gradients, and the features it makes of that.
private struct GradientMemory {
    private let tensors: [Range<Int>]
    /// One a decay of ``LearnedOptimizer/momenta``, each `[users * width]`.
    private var momenta: [[Float]]
    private var squares: [Float]

    init(like state: Matrix, tensors: [Range<Int>]) {
        self.tensors = tensors
        squares = [Float](repeating: 0, count: state.values.count)
        momenta = LearnedOptimizer.momenta.map { _ in [Float](repeating: 0, count: state.values.count) }
    }

    static func rootMeanSquare(_ values: ArraySlice<Float>) -> Float {
        var sum: Float = 0
        for value in values { sum += value * value }
        return (sum / Float(max(values.count, 1))).squareRoot()
    }

    /// Takes a gradient in; one row a parameter of a user, `[users * width, inputs]`.
    ///
    /// Sums are corrected for having begun at zero, since there are few steps.
    mutating func features(
        _ gradient: Matrix, state: Matrix, start: Matrix, step: Int, of stepCount: Int
    ) -> Matrix {
        var rows = timeAndTensor(users: gradient.rows, width: gradient.columns, step: step, of: stepCount)
        var column = 0
        func put(_ values: [Float]) {
            write(values, width: gradient.columns, column: column, into: &rows)
            column += 1
        }
        func correction(_ decay: Float) -> Float { 1 / (1 - Foundation.pow(decay, Float(step + 1))) }
        put(gradient.values)
        put(zip(state.values, start.values).map { $0 - $1 })
        Self.decay(&squares, towards: gradient.values.map { $0 * $0 }, by: LearnedOptimizer.squareDecay)
        let squareCorrection = correction(LearnedOptimizer.squareDecay)
        let inverse = squares.map { 1 / ($0 * squareCorrection + 1e-10).squareRoot() }
        for (index, decay) in LearnedOptimizer.momenta.enumerated() {
            Self.decay(&momenta[index], towards: gradient.values, by: decay)
            let scale = correction(decay)
            let momentum = momenta[index].map { $0 * scale }
            put(momentum)
            put(zip(momentum, inverse).map { $0 * $1 })
        }
        put(inverse)
        return rows
    }

    /// `sum <- decay sum + (1 - decay) value`.
    private static func decay(_ sums: inout [Float], towards values: [Float], by decay: Float) {
        for place in sums.indices { sums[place] += (1 - decay) * (values[place] - sums[place]) }
    }

    /// Writes one feature of every parameter, each tensor's values divided by their root mean square.
    private func write(_ values: [Float], width: Int, column: Int, into rows: inout Matrix) {
        let inputs = rows.columns
        for first in stride(from: 0, to: values.count, by: width) {
            for range in tensors {
                let places = first + range.lowerBound..<first + range.upperBound
                let size = Self.rootMeanSquare(values[places])
                let factor = 1 / (1e-5 + size * size).squareRoot()
                for place in places { rows.values[place * inputs + column] = factor * values[place] }
            }
        }
    }

    /// Rows whose last features, the time and which tensor it is, are filled in.
    private func timeAndTensor(users: Int, width: Int, step: Int, of stepCount: Int) -> Matrix {
        let time =
            LearnedOptimizer.horizons.map { Foundation.tanh(Float(step) / $0 - 1) }
            + [Float(step) / Float(max(stepCount, 1))]
        let gradients = [Float](repeating: 0, count: 3 + 2 * LearnedOptimizer.momenta.count)
        var user: [Float] = []
        for (tensor, range) in tensors.enumerated() {
            let which = tensors.indices.map { Float($0 == tensor ? 1 : 0) }
            let row = gradients + time + [Float(range.count).logarithm / 10] + which
            for _ in range { user += row }
        }
        var values: [Float] = []
        values.reserveCapacity(users * user.count)
        for _ in 0..<users { values += user }
        return Matrix(rows: users * width, columns: user.count / width, values: values)
    }
}
