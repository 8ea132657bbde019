import Foundation
public import Tensor

/// Learns one ``HardConcrete`` gate a row group for all users, by gradient: the rival of a policy that needs no gradient.
///
/// The loss is `L(z) + λ mean_j P(z_j ≠ 0)`, the query's loss after adapting under the relaxed mask `z` plus the price of open gates,
/// which follows a target: `λ <- λ exp(multiplierRate (mean P - target))`.
public struct HardConcreteTrainer: Sendable {
    /// How gates are learned.
    public struct Settings: Sendable, Equatable, Codable {
        /// Steps of Adam.
        public var steps = 300
        /// Adam's.
        public var rate = 5e-2
        /// The mean probability of an open gate that ``multiplier`` aims at.
        public var target = 0.5
        /// `λ` at first, nats.
        public var multiplier = 1e-2
        /// How fast `λ` follows the target.
        public var multiplierRate = 1e-2
        /// Seeds every draw.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    private let settings: Settings

    /// A trainer.
    public init(_ settings: Settings) { self.settings = settings }

    /// Learns gates.
    ///
    /// - Parameters:
    ///   - groups: how many.
    ///   - slopes: for relaxed masks of one step, a user each, `dL/dz` of each; the users are the callee's to draw.
    ///   - users: of a step; each has a mask of its own, which halves the variance (Louizos et al. 2018, section 2.2).
    public func train(
        groups: Int, users: Int, slopes: (_ masks: [[Double]], inout RandomSource) -> [[Double]]
    ) -> (gates: [HardConcrete], evaluations: Int) {
        var random = RandomSource(seed: settings.seed)
        var (values, optimizer) = ([Double](repeating: 0, count: groups), Adam(count: groups))
        var (multiplier, evaluations) = (settings.multiplier, 0)
        for _ in 0..<settings.steps {
            let gates = values.map { HardConcrete(logAlpha: $0) }
            let draws = (0..<users).map { _ in gates.map { $0.draw(noise: random.uniform()) } }
            let given = slopes(draws.map { $0.map(\.value) }, &random)
            evaluations += given.count
            var gradient = gates.map { multiplier / Double(groups) * $0.openProbabilityGradient }
            for (own, slope) in zip(draws, given) {
                for group in 0..<groups { gradient[group] += slope[group] * own[group].gradient / Double(given.count) }
            }
            optimizer.step(&values, gradient: gradient, rate: settings.rate, gradientNorm: .infinity)
            values = values.map { min(max($0, HardConcrete.range.lowerBound), HardConcrete.range.upperBound) }
            let open = gates.reduce(0) { $0 + $1.openProbability } / Double(max(groups, 1))
            multiplier *= exp(settings.multiplierRate * (open - settings.target))
        }
        return (values.map { HardConcrete(logAlpha: $0) }, evaluations)
    }
}
