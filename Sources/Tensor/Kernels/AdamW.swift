import Foundation

/// The settings of AdamW (Loshchilov and Hutter 2019, algorithm 2), with PyTorch's defaults.
public struct AdamWSettings: Sendable, Equatable {
    /// Above 0.
    public var learningRate: Float
    /// How much of the mean of gradients a step keeps; in `[0, 1)`.
    public var beta1: Float = 0.9
    /// The same of the mean of their squares.
    public var beta2: Float = 0.999
    /// What is added to the root of the mean of squares.
    public var epsilon: Float = 1e-8
    /// What share of a parameter, times the learning rate, a step takes away.
    public var decay: Float = 0.01

    /// Makes settings.
    public init(learningRate: Float) { self.learningRate = learningRate }
}

/// One step of AdamW, in place.
///
/// - Parameters:
///   - parameters: `[rows, columns]`, as all others.
///   - first: the running mean of gradients; zeros before the first step.
///   - second: the running mean of their squares; zeros before the first step.
///   - step: 1 for the first.
public func adamWStep(
    _ parameters: MatrixView, gradient: MatrixView, first: MatrixView, second: MatrixView, step: Int,
    _ settings: AdamWSettings
) {
    for other in [gradient, first, second] {
        precondition(other.rows == parameters.rows && other.columns == parameters.columns, "moments of another shape")
    }
    let (beta1, beta2, epsilon) = (settings.beta1, settings.beta2, settings.epsilon)
    let rate = settings.learningRate / (1 - Foundation.pow(beta1, Float(step)))
    let correction = 1 / (1 - Foundation.pow(beta2, Float(step))).squareRoot()
    let keep = 1 - settings.learningRate * settings.decay
    for row in 0..<parameters.rows {
        let (values, slopes) = unsafe (parameters.row(row), gradient.row(row))
        let (means, squares) = unsafe (first.row(row), second.row(row))
        var index = 0
        while index < parameters.columns {
            let slope = unsafe slopes[index]
            unsafe means[index] = beta1 * means[index] + (1 - beta1) * slope
            unsafe squares[index] = beta2 * squares[index] + (1 - beta2) * slope * slope
            unsafe values[index] =
                keep * values[index] - rate * means[index] / (squares[index].squareRoot() * correction + epsilon)
            index &+= 1
        }
    }
}
