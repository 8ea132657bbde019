import Foundation

/// A gate between 0 and 1, both of which it takes with positive probability, so that the expected number of open gates has a
/// gradient (Louizos et al. 2018, section 2.2): with `u` uniform,
/// `z = clamp(sigmoid((log u - log(1 - u) + log α) / β) (ζ - γ) + γ, 0, 1)`.
public struct HardConcrete: Sendable, Equatable {
    /// `β`, `γ` and `ζ` of the paper's experiments.
    private static let (temperature, low, high) = (2.0 / 3, -0.1, 1.1)
    /// What `log α` is held within: `log 1e-2` to `log 1e2`.
    public static let range = Foundation.log(1e-2)...Foundation.log(1e2)

    /// `log α`.
    public var logAlpha: Double

    /// A gate; where `log α` is 0 it is as often over one half as under it.
    public init(logAlpha: Double = 0) { self.logAlpha = logAlpha }

    /// `P(z ≠ 0) = sigmoid(log α - β log(-γ / ζ))`.
    public var openProbability: Double { logistic(logAlpha - Self.temperature * log(-Self.low / Self.high)) }

    /// `dP(z ≠ 0) / d log α`.
    public var openProbabilityGradient: Double { openProbability * (1 - openProbability) }

    /// The gate without noise, `clamp(sigmoid(log α) (ζ - γ) + γ, 0, 1)`; `β` has no part in it.
    public var value: Double { min(max(logistic(logAlpha) * (Self.high - Self.low) + Self.low, 0), 1) }

    /// A draw and its derivative by `log α`, zero where it is clamped.
    ///
    /// - Parameter noise: `u`, uniform in 0..<1; taken for at least 1e-6 and at most 1 - 1e-6.
    public func draw(noise: Double) -> (value: Double, gradient: Double) {
        let u = min(max(noise, 1e-6), 1 - 1e-6)
        let s = logistic((log(u) - log(1 - u) + logAlpha) / Self.temperature)
        let stretched = s * (Self.high - Self.low) + Self.low
        guard stretched > 0, stretched < 1 else { return (min(max(stretched, 0), 1), 0) }
        return (stretched, (Self.high - Self.low) * s * (1 - s) / Self.temperature)
    }
}
