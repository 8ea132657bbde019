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
        var head = start
        guard !labels.isEmpty else { return counts.map { _ in start } }
        var first = [Float](repeating: 0, count: head.width + 1)
        var second = first
        var taken = 0
        return counts.map { count in
            while taken < count {
                taken += 1
                step(&head, gradient(head, features, labels), rate, taken, &first, &second)
            }
            return head
        }
    }

    /// Of the mean log loss: the weights', then the bias's.
    private func gradient(_ head: LinearHead, _ features: Matrix, _ labels: [Float]) -> [Float] {
        let residuals = zip(head.logits(of: features), labels).map { (logistic($0) - $1) / Float(labels.count) }
        var gradient = [Float](repeating: 0, count: head.width + 1)
        matmul(
            residuals.span, features.values.span, into: &gradient, m: 1, n: head.width, k: labels.count)
        gradient[head.width] = residuals.reduce(0, +)
        return gradient
    }

    private func step(
        _ head: inout LinearHead, _ gradient: [Float], _ rate: Float, _ count: Int, _ first: inout [Float],
        _ second: inout [Float]
    ) {
        let corrections = (1 - pow(0.9, Float(count)), 1 - pow(0.999, Float(count)))
        for index in gradient.indices {
            var move = gradient[index]
            if self == .adam {
                first[index] = 0.9 * first[index] + 0.1 * move
                second[index] = 0.999 * second[index] + 0.001 * move * move
                move = first[index] / corrections.0 / ((second[index] / corrections.1).squareRoot() + 1e-8)
            }
            if index < head.width { head.weights[index] -= rate * move } else { head.bias -= rate * move }
        }
    }
}
