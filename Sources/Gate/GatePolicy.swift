/// Which row groups a user keeps, as a policy: ``BernoulliGroups`` whose logits are linear in features of the user's support.
public struct GatePolicy: Sendable, Equatable {
    /// Features of a support.
    public let features: Int
    /// Row groups.
    public let groups: Int
    /// `[groups][features + 1]`: a group's weights and its bias.
    public var weights: [Double]

    /// A policy that keeps every group with probability one half: from more it is slower to learn (measured).
    public init(features: Int, groups: Int) {
        (self.features, self.groups) = (features, groups)
        weights = [Double](repeating: 0, count: groups * (features + 1))
    }

    /// The draws for a support.
    ///
    /// - Parameter state: `[features]`; of the support alone, never of what is scored.
    public func distribution(for state: [Double]) -> BernoulliGroups {
        precondition(state.count == features, "\(state.count) features, not \(features)")
        return BernoulliGroups(
            logits: (0..<groups).map { group in
                let row = group * (features + 1)
                return state.indices.reduce(weights[row + features]) { $0 + weights[row + $1] * state[$1] }
            })
    }

    /// The groups kept within a budget of them: the likeliest, the lower where two are alike.
    public func mask(for state: [Double], keeping count: Int) -> [Bool] {
        BernoulliGroups.largest(count, of: distribution(for: state).logits)
    }

    /// The groups kept with a probability of at least `threshold`; the likeliest where there is none.
    public func mask(for state: [Double], threshold: Double) -> [Bool] {
        let distribution = distribution(for: state)
        let mask = distribution.probabilities.map { $0 >= threshold }
        return mask.contains(true) ? mask : BernoulliGroups.largest(1, of: distribution.logits)
    }

    /// Adds a gradient by a state's logits to one by the weights.
    func add(_ logitGradient: [Double], at state: [Double], to gradient: inout [Double]) {
        for (group, slope) in logitGradient.enumerated() {
            let row = group * (features + 1)
            for (index, value) in state.enumerated() { gradient[row + index] += slope * value }
            gradient[row + features] += slope
        }
    }
}
