import Adapters
public import Tensor

/// How the support that sparse deltas share is chosen from ``EntryGradients``.
///
/// Of 2048 entries after the last feed-forward layer on rec-choice, chance was no worse than either score on any of three seeds'
/// mean: what a few hundred users say of single entries is mostly what they alone have.
public enum SparseChoice: String, Sendable, CaseIterable, Codable {
    /// Single entries of the largest `g²`.
    case gradient
    /// Single entries of the largest agreement, each divided by its `g²`.
    case agreement
    /// Entries drawn at random.
    case random

    /// The length, in the mean over meta-users, of the gradient by all values of a support: what steps and rates of other adapters
    /// suit.
    private static let gradientLength: Float = 0.1

    /// A support whose values have gradients of one size: entry (i, j) is scaled by `0.1 (entries g²_ij)^-1/2`, `g²` factored.
    /// Without it a few channels of large activations would take nearly all of a step.
    public func support(_ entries: Int, of gradients: EntryGradients, _ random: inout RandomSource) -> SparseSupport {
        let square = gradients.factoredSquare
        let (inputs, outputs) = (square.rows, square.columns)
        var places: [Int]
        switch self {
        case .gradient: places = Self.largest(entries, of: gradients.square.values)
        case .agreement: places = Self.largest(entries, of: gradients.gains.values)
        case .random: places = Array(random.permutation(inputs * outputs).prefix(entries))
        }
        places.sort()
        return SparseSupport(
            inputs: inputs, outputs: outputs, rows: places.map { Int32($0 / outputs) },
            columns: places.map { Int32($0 % outputs) },
            scales: places.map { Self.gradientLength / (Float(places.count) * square.values[$0]).squareRoot() })
    }

    private static func largest(_ count: Int, of values: [Float]) -> [Int] {
        Array(values.indices.sorted { (values[$0], $1) > (values[$1], $0) }.prefix(count))
    }
}
