import Foundation

/// Which parameters share a learned rate.
package enum RateGrouping: Sendable, Equatable {
    /// One rate for all.
    case shared
    /// One a tensor; a head has two, its weights and its bias.
    case tensors([Range<Int>])
    /// One a parameter, which for a head of one output is also one a row.
    case parameters
}

/// Step sizes as meta-parameters (Meta-SGD, Li et al. 2017): `U = alpha . g` with `alpha = exp(a)`, so that no rate turns
/// negative; one set for all steps, or one a step.
package struct LearnedRates: Sendable, Equatable {
    /// `a`, `[sets, groups]`.
    package var logs: [Float]
    /// Which group a parameter belongs to, `[width]`.
    package let groups: [Int]
    /// Rates are held within these: below nothing moves, above nothing stays finite.
    package static let range: ClosedRange<Float> = 1e-6...100

    private let groupCount: Int

    /// - Parameters:
    ///   - rate: what every one begins at.
    ///   - steps: steps with rates of their own, at least 1; later ones have the last's.
    package init(rate: Float, _ grouping: RateGrouping, width: Int, steps: Int) {
        switch grouping {
        case .shared: groups = [Int](repeating: 0, count: width)
        case .tensors(let tensors):
            groups = (0..<width).map { index in tensors.firstIndex { $0.contains(index) } ?? tensors.count }
        case .parameters: groups = Array(0..<width)
        }
        groupCount = (groups.max() ?? 0) + 1
        logs = [Float](repeating: rate.logarithm, count: groupCount * max(1, steps))
    }

    /// Where a parameter's rate at a step is in ``logs``.
    package func index(step: Int, parameter: Int) -> Int {
        min(step, logs.count / groupCount - 1) * groupCount + groups[parameter]
    }

    /// The rates of a step, `[width]`.
    package func rates(step: Int) -> [Float] {
        groups.indices.map { parameter in
            let rate = Foundation.exp(logs[index(step: step, parameter: parameter)])
            return min(max(rate, Self.range.lowerBound), Self.range.upperBound)
        }
    }

    /// Turns gradients by the rates' logarithms, summed a parameter and step, into the gradient of ``logs``; a rate at the end of
    /// its range has none.
    func gradient(byStep: [[Float]]) -> [Float] {
        var gradient = [Float](repeating: 0, count: logs.count)
        for (step, values) in byStep.enumerated() {
            for (parameter, value) in values.enumerated() { gradient[index(step: step, parameter: parameter)] += value }
        }
        for place in gradient.indices where !Self.range.contains(Foundation.exp(logs[place])) { gradient[place] = 0 }
        return gradient
    }
}
