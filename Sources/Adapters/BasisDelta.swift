public import Problem

/// A difference to a recipe's start head as coefficients in the recipe's basis, rounded with one scale.
///
/// The difference is `Σ values[b] · scale · directions[b]`. Scale and bias have the 8 significant bits of a bfloat16; the
/// scale is rounded up before the values are, so that it costs them nothing.
public struct BasisDelta: Sendable, Equatable {
    /// The basis of the recipe that it was made with.
    public let basis: HeadBasis
    /// One value a direction, within ±``CoefficientPrecision/limit``.
    public let values: [Int8]
    /// What one step of ``values`` is worth; at least zero, a bfloat16.
    public let scale: Float
    /// The difference to the start head's bias, a bfloat16.
    public let bias: Float

    private init(basis: HeadBasis, values: [Int8], scale: Float, bias: Float) {
        (self.basis, self.values, self.scale, self.bias) = (basis, values, scale, bias)
    }

    /// Rounds a difference's coefficients: `scale = max|coefficient| / limit`, round half to even.
    ///
    /// Each coefficient is then off by at most `scale / 2`. The bias takes up the mean of what is lost.
    /// - Parameters:
    ///   - coefficients: `[basis.count]`, the difference's by ``HeadBasis/coefficients(of:)``.
    ///   - difference: `[basis.width]`, the difference itself.
    ///   - bias: the difference to the start head's bias.
    /// - Returns: nil when a number is not finite: such an adaptation diverged and is not stored.
    public init?(quantizing coefficients: [Float], of difference: [Float], bias: Float, in basis: HeadBasis) {
        precondition(
            coefficients.count == basis.count && difference.count == basis.width, "one coefficient a direction")
        guard coefficients.allSatisfy(\.isFinite), difference.allSatisfy(\.isFinite), bias.isFinite else { return nil }
        let limit = Float(basis.precision.limit)
        let scale = (coefficients.reduce(0) { max($0, abs($1)) } / limit).roundedToBFloat16(.up)
        let values = coefficients.map { value in
            scale > 0 ? Int8(max(-limit, min(limit, (value / scale).rounded(.toNearestOrEven)))) : 0
        }
        let kept = basis.combine(values.map { Float($0) * scale })
        let shifted = basis.bias(bias, of: difference, keptAs: kept).roundedToBFloat16(.toNearestOrEven)
        guard shifted.isFinite, kept.allSatisfy(\.isFinite), (scale * limit).isFinite else { return nil }
        self.init(basis: basis, values: values, scale: scale, bias: shifted)
    }

    /// Checks what a frame holds.
    ///
    /// - Parameter location: the object, for the error.
    /// - Throws: `adapter_malformed` when the number of values or a number does not fit the basis.
    public init(
        values: [Int8], scale: Float, bias: Float, in basis: HeadBasis, at location: String
    ) throws(Problem) {
        func refuse(_ reason: String) -> Problem {
            Problem(
                "adapter_malformed", at: location, reason, do: "fetch it again; if it stays so, adapt the user anew.")
        }
        let limit = basis.precision.limit
        guard values.count == basis.count else {
            throw refuse("it has \(values.count) coefficients, its recipe's basis \(basis.count) directions.")
        }
        guard values.allSatisfy({ -limit <= $0 && $0 <= limit }) else {
            throw refuse("a coefficient is outside -\(limit)...\(limit).")
        }
        guard scale >= 0, bias.isFinite, scale.isBFloat16, bias.isBFloat16, (scale * Float(limit)).isFinite,
            basis.combine(values.map { Float($0) * scale }).allSatisfy(\.isFinite)
        else { throw refuse("scale \(scale) or bias \(bias) is not a number an adapter can have.") }
        self.init(basis: basis, values: values, scale: scale, bias: bias)
    }

    /// The difference in full: weights of shape `[width]`, and bias.
    public func dense() -> (weights: [Float], bias: Float) {
        (basis.combine(values.map { Float($0) * scale }), bias)
    }
}

extension Float {
    /// The nearest number with the 8 significant bits of a bfloat16: the upper half of a binary32.
    ///
    /// - Parameter rule: `.up` or `.toNearestOrEven`; of a number that is not finite, and of one that has none as near, what
    ///   is returned is not finite.
    func roundedToBFloat16(_ rule: FloatingPointRoundingRule) -> Float {
        guard isFinite else { return self }
        let (upper, lower) = (bitPattern >> 16, bitPattern & 0xFFFF)
        let isAway: Bool
        switch rule {
        case .up: isAway = sign == .plus && lower > 0
        default: isAway = lower > 0x8000 || (lower == 0x8000 && upper & 1 == 1)
        }
        return Float(bitPattern: (upper + (isAway ? 1 : 0)) << 16)
    }

    /// Whether a bfloat16 holds it exactly.
    var isBFloat16: Bool { bitPattern & 0xFFFF == 0 }
}
