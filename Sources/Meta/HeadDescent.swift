public import Adapters
import Foundation
public import Tensor

/// A hand-made update rule for a user's head, which learned ones are held against: every step takes the gradient of the mean log
/// loss of all of the support.
public enum HeadDescent: String, Sendable, CaseIterable {
    /// `w <- w - rate g`.
    case sgd
    /// Adam (Kingma and Ba 2015), betas .9 and .999, epsilon 1e-8.
    case adam

    /// The heads after some numbers of steps.
    ///
    /// - Parameters:
    ///   - start: where it begins.
    ///   - features: of the support, `[examples, width]`.
    ///   - labels: 1 or 0, one an example.
    ///   - rate: above 0.
    ///   - counts: ascending; 0 is the start.
    /// - Returns: one head a count; without examples all are the start.
    public func heads(
        from start: LinearHead, features: Matrix, labels: [Float], rate: Float, after counts: [Int]
    ) -> [LinearHead] {
        guard !labels.isEmpty else { return counts.map { _ in start } }
        let width = start.width
        let examples = MatrixView(rows: labels.count, columns: width, values: features.values)
        // The weights, then the bias.
        let parameters = MatrixView(rows: 1, columns: width + 1, values: start.weights + [start.bias])
        func row() -> MatrixView { MatrixView(rows: 1, columns: width + 1) }
        let (gradient, first, second) = (row(), row(), row())
        let residuals = MatrixView(rows: 1, columns: labels.count)
        // The same numbers without gaps, vectors as columns: OpenBLAS takes these products several times faster than a row by
        // a transpose, or a row in a wider one.
        let weightColumn = MatrixView(parameters.buffer, offset: 0, rows: width, columns: 1)
        let residualColumn = MatrixView(residuals.buffer, offset: 0, rows: labels.count, columns: 1)
        let weightGradient = MatrixView(gradient.buffer, offset: 0, rows: 1, columns: width)
        var settings = AdamWSettings(learningRate: rate)
        settings.decay = 0
        var taken = 0
        return counts.map { count in
            while taken < count {
                taken += 1
                matmul(examples, weightColumn, into: residualColumn)
                var sum: Float = 0
                for (index, label) in labels.enumerated() {
                    let residual = (logistic(residuals[0, index] + parameters[0, width]) - label) / Float(labels.count)
                    residuals[0, index] = residual
                    sum += residual
                }
                matmul(residuals, examples, into: weightGradient)
                gradient[0, width] = sum
                switch self {
                case .sgd: add(gradient, to: parameters, scale: -rate)
                case .adam:
                    adamWStep(parameters, gradient: gradient, first: first, second: second, step: taken, settings)
                }
            }
            return LinearHead(weights: parameters.columns(0..<width).values, bias: parameters[0, width])
        }
    }
}
