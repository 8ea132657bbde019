import Foundation
public import Tensor

/// What a linear head over pooled features is judged by: losses in nats, or squared units of the target, a text.
public enum HeadLoss: Sendable, Equatable {
    /// One of several classes, by the softmax of one score a class; targets are class numbers.
    case classification(classes: Int)
    /// Yes or no, by the logistic of one score; targets are 1 and 0.
    case binary
    /// A number, by the squared error of one score.
    case regression
    /// The first text of each pair is preferred to the second, by the logistic of the difference of their scores (Bradley and
    /// Terry 1952). A pair is two texts one after the other; a text bears half of its pair's loss.
    case preference

    /// Scores a text.
    public var outputs: Int {
        if case .classification(let classes) = self { classes } else { 1 }
    }

    /// The mean loss of some texts, and scores overwritten by its gradient at them.
    ///
    /// - Parameters:
    ///   - scores: `[texts, outputs]`, overwritten.
    ///   - targets: one a text; not read by ``preference``, which needs an even number of texts.
    /// - Returns: the mean over the texts (or pairs); 0 without texts.
    public func evaluate(_ scores: MatrixView, targets: some Collection<Float>) -> Float {
        precondition(scores.columns == outputs, "\(scores.columns) scores a text, not \(outputs)")
        guard scores.rows > 0 else { return 0 }
        let share = 1 / Float(scores.rows)
        switch self {
        case .classification:
            let losses = crossEntropyGradient(
                scores, targets: targets.map { Int32($0) }, weights: [Float](repeating: share, count: scores.rows))
            return losses.reduce(0, +) * share
        case .binary:
            return eachScore(scores, targets) { score, target in
                let sign: Float = target > 0.5 ? 1 : -1
                return (share * softplus(-sign * score), -share * sign * logistic(-sign * score))
            }
        case .regression:
            return eachScore(scores, targets) { score, target in
                (share * (score - target) * (score - target), 2 * share * (score - target))
            }
        case .preference:
            precondition(scores.rows % 2 == 0, "\(scores.rows) texts are no pairs")
            var total: Float = 0
            for first in stride(from: 0, to: scores.rows, by: 2) {
                let difference = scores[first, 0] - scores[first + 1, 0]
                total += 2 * share * softplus(-difference)
                let slope = -2 * share * logistic(-difference)
                (scores[first, 0], scores[first + 1, 0]) = (slope, -slope)
            }
            return total
        }
    }

    private func eachScore(
        _ scores: MatrixView, _ targets: some Collection<Float>, _ body: (Float, Float) -> (loss: Float, slope: Float)
    ) -> Float {
        precondition(targets.count == scores.rows, "\(targets.count) targets for \(scores.rows) texts")
        var total: Float = 0
        for (row, target) in targets.enumerated() {
            let (loss, slope) = body(scores[row, 0], target)
            scores[row, 0] = slope
            total += loss
        }
        return total
    }
}

/// `log(1 + exp(x))`, without overflow.
private func softplus(_ x: Float) -> Float { max(x, 0) + Foundation.log1p(Foundation.exp(-abs(x))) }

private func logistic(_ x: Float) -> Float { 1 / (1 + Foundation.exp(-x)) }
