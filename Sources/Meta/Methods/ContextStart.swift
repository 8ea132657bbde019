package import Tensor

/// A start of each user's own, made of the user's context: `f_init` of a conditioned MAML, or without steps a hypernetwork.
///
/// ```
/// basis       A_0 = A_meta + Σ_b w_b(c_u) V_b          `B` numbers a user, `V` shared
/// generated   A_0 = A_meta + network(c_u)              (Ha et al. 2017)
/// ```
/// In training a context is dropped now and then for a learned null context, so that the start without one stays good.
package struct ContextStart: Sendable, Equatable {
    /// How a context turns into a start.
    package enum Form: Sendable, Equatable {
        /// Through coefficients of this many shared directions.
        case basis(Int)
        /// All numbers at once.
        case generated
    }

    /// `A_meta`.
    package var general: [Float]
    /// `V`, `[directions, width]`; no row where starts are generated.
    package var directions: Matrix
    /// The context of who has none.
    package var nullContext: [Float]
    package var network: DenseNetwork

    /// - Parameters:
    ///   - general: what every start is before anything is learned.
    ///   - contextWidth: numbers of a context.
    package init(
        _ form: Form, general: [Float], contextWidth: Int, hidden: Int, random: inout RandomSource
    ) {
        self.general = general
        nullContext = [Float](repeating: 0, count: contextWidth)
        switch form {
        case .basis(let count):
            // The coefficients begin at zero, so the directions must not: else nothing would ever move.
            let size = (general.reduce(0) { $0 + $1 * $1 } / Float(general.count)).squareRoot()
            let scale = 1e-2 * max(size, 1e-2)
            directions = Matrix(
                rows: count, columns: general.count,
                values: (0..<count * general.count).map { _ in scale * Float(random.normal()) })
            network = DenseNetwork(sizes: [contextWidth, hidden, count], random: &random)
        case .generated:
            directions = Matrix(rows: 0, columns: general.count)
            network = DenseNetwork(sizes: [contextWidth, hidden, general.count], random: &random)
        }
    }

    /// All meta-parameters: `A_meta | V | null context | network`.
    package var values: [Float] {
        get { general + directions.values + nullContext + network.values }
        set {
            var rest = newValue[...]
            func take(_ count: Int) -> [Float] {
                defer { rest = rest.dropFirst(count) }
                return Array(rest.prefix(count))
            }
            general = take(general.count)
            directions.values = take(directions.values.count)
            nullContext = take(nullContext.count)
            network.values = take(network.values.count)
        }
    }

    /// Starts, and what their way back needs.
    package struct Pass {
        /// `A_0`, `[users, width]`.
        package var starts: Matrix
        fileprivate var activations: [Matrix]
        fileprivate var isDropped: [Bool]
    }

    /// - Parameters:
    ///   - contexts: `[users, contextWidth]`.
    ///   - isDropped: whose context is taken for the null one; empty: nobody's.
    package func forward(_ contexts: Matrix, isDropped: [Bool] = []) -> Pass {
        var input = contexts
        for (user, dropped) in isDropped.enumerated() where dropped {
            input.values.replaceSubrange(user * input.columns..<(user + 1) * input.columns, with: nullContext)
        }
        let activations = network.forward(input)
        let output = activations.last ?? input
        var starts = Matrix(repeating: general, count: contexts.rows)
        if directions.rows > 0 {
            matmul(output, directions, into: &starts, beta: 1)
        } else {
            for place in starts.values.indices { starts.values[place] += output.values[place] }
        }
        return Pass(starts: starts, activations: activations, isDropped: isDropped)
    }

    /// The gradient by ``values``, from the one by the starts.
    package func backward(_ pass: Pass, _ starts: Matrix) -> [Float] {
        let output = pass.activations.last ?? starts
        let hasBasis = directions.rows > 0
        let byDirections = hasBasis ? matmul(output, starts, transposeA: true).values : []
        let byOutput = hasBasis ? matmul(starts, directions, transposeB: true) : starts
        let (byNetwork, byInput) = network.backward(pass.activations, byOutput)
        var byNull = [Float](repeating: 0, count: nullContext.count)
        for (user, dropped) in pass.isDropped.enumerated() where dropped {
            for column in byNull.indices { byNull[column] += byInput[user, column] }
        }
        return starts.sumOfRows() + byDirections + byNull + byNetwork
    }
}
