import Adapters
public import Model
public import Tensor

/// What meta-users' gradients say of the entries of a dense delta at a site: means over users, `[inputs, outputs]` each.
public struct EntryGradients: Sendable, Equatable {
    /// Of `g²`, `g` the gradient of a support's loss at the start.
    public var square: Matrix
    /// Of `g q`, `q` the gradient of the query's loss once the head has been adapted: what a step along `g` takes off the
    /// query's loss, to first order and a unit of rate.
    public var agreement: Matrix

    /// States means.
    public init(square: Matrix, agreement: Matrix) { (self.square, self.agreement) = (square, agreement) }

    /// Asks users that the protocol could score; the head starts and moves as a rule of the pooled output says, the delta
    /// stays zero.
    ///
    /// - Parameter threads: that compute; the result does not depend on how many.
    public init(at site: Site, _ texts: EncoderTexts, _ users: [MetaUser], _ pooled: PreconditionedRule, threads: Int) {
        let shape = texts.transformer.configuration
        let plan = AdapterPlan(shape, [site: DenseDelta()], head: .binary)
        var random = RandomSource(seed: 0)
        var headOnly = EncoderRule.following(pooled, plan, steps: 1, &random)
        headOnly.logRates[0][0] = -.infinity
        let rule = headOnly
        let lanes = (0..<threads).map { _ in EncoderAdaptation(texts, plan) }
        let (inputs, outputs) = shape.channels(at: site)
        let asked = users.filter(\.isEligible)
        var (square, agreement) = (Matrix(rows: inputs, columns: outputs), Matrix(rows: inputs, columns: outputs))
        for first in stride(from: 0, to: asked.count, by: Self.usersTogether) {
            let together = Array(asked[first..<min(asked.count, first + Self.usersTogether)])
            let parts = inParallel(together, lanes) { user, adaptation in
                let support = user.support(ScoringProtocol.supportMinimum)
                func gradient(of examples: UserSupport, after adapted: UserSupport) -> [Float] {
                    adaptation.adapt(to: adapted, with: rule)
                    return Array(adaptation.meanGradient(of: examples).gradient.values.prefix(inputs * outputs))
                }
                return (
                    gradient(of: support, after: UserSupport(rows: [], labels: [])),
                    gradient(of: user.query, after: support)
                )
            }
            for (own, query) in parts {
                for index in own.indices {
                    square.values[index] += own[index] * own[index] / Float(asked.count)
                    agreement.values[index] += own[index] * query[index] / Float(asked.count)
                }
            }
        }
        self.init(square: square, agreement: agreement)
    }

    /// Users whose gradients are held together.
    private static let usersTogether = 16

    /// Agreement by ``factoredSquare``: what a step of a size takes off the query's loss, however large the activations are.
    public var gains: Matrix {
        var gains = agreement
        for (index, square) in factoredSquare.values.enumerated() { gains.values[index] /= square }
        return gains
    }

    /// `g²` as a row's and a column's share of it (Shazeer and Stern 2018, section 3), and never zero.
    public var factoredSquare: Matrix {
        let rows = (0..<square.rows).map { square.row($0).reduce(0, +) }
        let columns = (0..<square.columns).map { column in
            (0..<square.rows).reduce(Float(0)) { $0 + square[$1, column] }
        }
        let total = max(rows.reduce(0, +), .leastNormalMagnitude)
        var factored = square
        for row in 0..<square.rows {
            for column in 0..<square.columns {
                factored[row, column] = max(rows[row] * columns[column] / total, .leastNormalMagnitude)
            }
        }
        return factored
    }
}
