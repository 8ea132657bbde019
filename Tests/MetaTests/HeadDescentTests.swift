import Adapters
import Foundation
import Meta
import Tensor
import Testing

@Suite struct HeadDescentTests {
    private let features = Matrix(rows: 3, columns: 2, values: [1, 0, 0, 1, 0.6, 0.8])
    private let labels: [Float] = [1, 0, 1]
    private let start = LinearHead(weights: [0.2, -0.1], bias: 0.05)

    /// In Double and without matrices: what the steps are meant to be.
    private func reference(_ isAdam: Bool, rate: Double, steps: Int) -> [Double] {
        var parameters = [0.2, -0.1, 0.05]
        var (first, second) = ([0.0, 0, 0], [0.0, 0, 0])
        for step in 0..<steps {
            var gradient = [0.0, 0, 0]
            for row in 0..<3 {
                let x = [Double(features[row, 0]), Double(features[row, 1]), 1]
                let logit = zip(x, parameters).reduce(0) { $0 + $1.0 * $1.1 }
                for index in 0..<3 {
                    gradient[index] += (1 / (1 + exp(-logit)) - Double(labels[row])) * x[index] / 3
                }
            }
            for index in 0..<3 {
                var move = gradient[index]
                if isAdam {
                    first[index] = 0.9 * first[index] + 0.1 * move
                    second[index] = 0.999 * second[index] + 0.001 * move * move
                    let (mean, square) = (
                        first[index] / (1 - pow(0.9, Double(step + 1))),
                        second[index] / (1 - pow(0.999, Double(step + 1)))
                    )
                    move = mean / (square.squareRoot() + 1e-8)
                }
                parameters[index] -= rate * move
            }
        }
        return parameters
    }

    @Test("steps are those of the equations, at every count that was asked for", arguments: HeadDescent.allCases)
    func steps(rule: HeadDescent) {
        let counts = [0, 1, 2, 7]
        let heads = rule.heads(from: start, features: features, labels: labels, rate: 0.3, after: counts)
        for (count, head) in zip(counts, heads) {
            let expected = reference(rule == .adam, rate: 0.3, steps: count)
            for (value, exact) in zip(head.weights + [head.bias], expected) {
                // .999 is no Float: 1 less its power has five digits.
                #expect(abs(Double(value) - exact) < 5e-5, "\(rule) after \(count)")
            }
        }
    }

    @Test("without examples nothing moves")
    func empty() {
        let none = Matrix(rows: 0, columns: 2, values: [])
        #expect(
            HeadDescent.adam.heads(from: start, features: none, labels: [], rate: 1, after: [0, 9]) == [start, start])
    }
}
