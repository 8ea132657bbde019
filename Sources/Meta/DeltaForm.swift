public import Adapters
public import Gate
import Tensor

/// In what form users' differences are stored.
public enum DeltaForm: Sendable {
    /// The rows that a gate chooses within the budget, in int8.
    case rows(any RowGate)
    /// Coefficients in a basis.
    case coefficients(HeadBasis)
    /// Every weight as a float.
    case full(FullDelta.Precision)

    /// The form of one difference.
    ///
    /// - Parameters:
    ///   - delta: `[width]`.
    ///   - bias: the difference to the start's bias.
    ///   - supportCount: how many examples it was fitted on.
    ///   - rowBudget: ``AdaptationSettings/rowBudget``; only rows have one.
    /// - Returns: nil when a number is not finite.
    public func stored(_ delta: [Float], bias: Float, supportCount: Int, rowBudget: Int) -> HeadDelta? {
        let coefficients = coefficients(of: Matrix(rows: 1, columns: delta.count, values: delta))
        return stored(
            delta, coefficients?.values[...], bias: bias, supportCount: supportCount, rowBudget: rowBudget)
    }

    /// The coefficients of a pack's differences, one product for all; nil where the form has none.
    func coefficients(of deltas: Matrix) -> Matrix? {
        guard case .coefficients(let basis) = self else { return nil }
        return basis.coefficients(of: deltas)
    }

    func stored(
        _ delta: [Float], _ coefficients: ArraySlice<Float>?, bias: Float, supportCount: Int, rowBudget: Int
    ) -> HeadDelta? {
        switch self {
        case .rows(let gate):
            let mask = gate.mask(for: GateInput(delta: delta, supportCount: supportCount, rowBudget: rowBudget))
            return RowDelta(quantizing: delta, keeping: mask.rows, bias: bias).map(HeadDelta.rows)
        case .coefficients(let basis):
            return BasisDelta(quantizing: Array(coefficients ?? []), of: delta, bias: bias, in: basis)
                .map(HeadDelta.coefficients)
        case .full(let precision): return FullDelta(delta, bias: bias, precision: precision).map(HeadDelta.full)
        }
    }
}
