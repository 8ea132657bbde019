import Adapters
import Foundation
import Tensor

/// What the outer loop owns, as one flat vector, so that optimiser, clipping and averaging are loops over it.
///
/// Layout: `w0 [width] | b0 | logRate [steps] | logBiasRate [steps] | decayLogit [steps] | supportExponent | P`, `P`
/// being `[width, width]`, or one number where it is a multiple of the identity.
package struct MetaParameters: Sendable, Equatable {
    package let width: Int
    package let steps: Int
    package let isIsotropic: Bool
    package var values: [Float]

    /// Zeros: a gradient before anything was added.
    package init(width: Int, steps: Int, isIsotropic: Bool) {
        self.width = width
        self.steps = steps
        self.isIsotropic = isIsotropic
        values = [Float](repeating: 0, count: Self.count(width: width, steps: steps, isIsotropic: isIsotropic))
    }

    /// How many numbers there are.
    package static func count(width: Int, steps: Int, isIsotropic: Bool) -> Int {
        width + 1 + 3 * steps + 1 + (isIsotropic ? 1 : width * width)
    }

    package init(zerosLike other: MetaParameters) {
        self.init(width: other.width, steps: other.steps, isIsotropic: other.isIsotropic)
    }

    /// The numbers of a rule whose features are to be multiplied by `featureScale`.
    package init(_ rule: PreconditionedRule, featureScale: Float, isIsotropic: Bool) {
        self.init(width: rule.width, steps: rule.steps.count, isIsotropic: isIsotropic)
        for column in 0..<width { values[column] = rule.start.weights[column] / featureScale }
        values[biasIndex] = rule.start.bias
        for (index, step) in rule.steps.enumerated() {
            values[logRateIndex(index)] = step.logRate
            values[logBiasRateIndex(index)] = step.logBiasRate
            values[decayIndex(index)] = step.decayLogit
        }
        values[exponentIndex] = rule.supportExponent
        switch rule.preconditioner {
        case .isotropic(let scale):
            for index in isIsotropic ? [0] : Array(stride(from: 0, to: width * width, by: width + 1)) {
                values[matrixStart + index] = scale / featureScale
            }
        case .dense(let matrix):
            precondition(!isIsotropic, "a dense preconditioner has no single scale")
            values.replaceSubrange(matrixStart..., with: matrix.values.map { $0 / featureScale })
        }
    }

    /// The rule these numbers make on features of unit norm: the scale is folded into start and preconditioner.
    package func rule(featureScale: Float) -> PreconditionedRule {
        PreconditionedRule(
            start: LinearHead(weights: values[..<width].map { $0 * featureScale }, bias: values[biasIndex]),
            preconditioner: isIsotropic
                ? .isotropic(values[matrixStart] * featureScale)
                : .dense(Matrix(rows: width, columns: width, values: values[matrixStart...].map { $0 * featureScale })),
            steps: (0..<steps).map {
                StepParameters(
                    logRate: values[logRateIndex($0)], logBiasRate: values[logBiasRateIndex($0)],
                    decayLogit: values[decayIndex($0)])
            }, supportExponent: values[exponentIndex])
    }

    /// The mean of several: folding the rules of several seeds into one costs a user nothing and steadies it.
    package static func mean(_ all: [MetaParameters]) -> MetaParameters? {
        guard var mean = all.first else { return nil }
        for other in all.dropFirst() { for index in mean.values.indices { mean.values[index] += other.values[index] } }
        for index in mean.values.indices { mean.values[index] /= Float(all.count) }
        return mean
    }

    package var biasIndex: Int { width }
    package func logRateIndex(_ step: Int) -> Int { width + 1 + step }
    package func logBiasRateIndex(_ step: Int) -> Int { width + 1 + steps + step }
    package func decayIndex(_ step: Int) -> Int { width + 1 + 2 * steps + step }
    package var exponentIndex: Int { width + 1 + 3 * steps }
    package var matrixStart: Int { width + 2 + 3 * steps }

    /// Whether a number is one of a few that act on everything, and so moves at a rate of its own.
    package func isScalar(_ index: Int) -> Bool { index > width && (isIsotropic || index < matrixStart) }

    /// `rows · P`, or `rows · Pᵀ` when transposed, shape `[n, width]`.
    func times(_ rows: Matrix, transposed: Bool = false) -> Matrix {
        if isIsotropic {
            let scale = values[matrixStart]
            return Matrix(rows: rows.rows, columns: width, values: rows.values.map { $0 * scale })
        }
        var product = Matrix(rows: rows.rows, columns: width)
        matmul(
            rows.values.span, values.span.extracting(matrixStart..<values.count), into: &product.values, m: rows.rows,
            n: width, k: width, transposeB: transposed)
        return product
    }

    /// Adds `leftᵀ · right` to the gradient of `P`; both are `[n, width]`.
    mutating func addToMatrix(_ left: Matrix, _ right: Matrix) {
        if isIsotropic {
            values[matrixStart] += zip(left.values, right.values).reduce(0) { $0 + $1.0 * $1.1 }
            return
        }
        let product = matmul(left, right, transposeA: true)
        for index in product.values.indices { values[matrixStart + index] += product.values[index] }
    }
}
