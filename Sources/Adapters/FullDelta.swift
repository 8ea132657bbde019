public import Problem

/// A difference to a start head with every weight as a float, in 32 or 16 bits.
public struct FullDelta: Sendable, Equatable {
    /// Bits of a stored weight.
    public enum Precision: Sendable, Equatable, CaseIterable {
        /// IEEE 754 binary32: nothing is rounded.
        case float32
        /// IEEE 754 binary16: three decimal digits, up to 65504.
        case float16
    }

    /// What the weights fit into.
    public let precision: Precision
    /// The difference to the start head's weights, `[width]`, finite.
    public let weights: [Float]
    /// The difference to the start head's bias, in 32 bits.
    public let bias: Float

    /// Rounds weights to `precision`.
    ///
    /// - Returns: nil when a rounded weight or the bias is not finite: such an adaptation diverged and is not stored.
    public init?(_ weights: [Float], bias: Float, precision: Precision = .float32) {
        let rounded = precision == .float16 ? weights.map { Float(Float16($0)) } : weights
        guard bias.isFinite, rounded.allSatisfy(\.isFinite) else { return nil }
        self.precision = precision
        self.weights = rounded
        self.bias = bias
    }

    /// Checks what a file holds.
    ///
    /// - Parameter location: the file or object, for the error.
    /// - Throws: `adapter_malformed` when there is no weight or a number is none.
    public init(reading weights: [Float], bias: Float, precision: Precision, at location: String) throws(Problem) {
        guard !weights.isEmpty, let delta = FullDelta(weights, bias: bias, precision: precision) else {
            throw Problem(
                "adapter_malformed", at: location, "it has no weight, or a number that is not finite.",
                do: "fetch it again; if it stays so, adapt the user anew.")
        }
        self = delta
    }
}
