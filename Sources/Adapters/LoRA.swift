public import Tensor

/// Low-rank adaptation, `f(x) = s (x Aᵀ) Bᵀ` with `A` `[rank, inputs]`, `B` `[outputs, rank]` (Hu et al. 2021, section 4.1), as PEFT
/// stores them.
public struct LoRA: AdapterKind, Equatable {
    /// Rows of `A`.
    public let rank: Int
    /// The numerator of `s`.
    public let alpha: Float
    /// Whether `s = alpha / sqrt(rank)` (rsLoRA, Kalajdzievski 2023) rather than `alpha / rank`.
    public let isRankStabilized: Bool

    /// Makes the kind; `rank >= 1`.
    public init(rank: Int, alpha: Float, isRankStabilized: Bool = false) {
        precondition(rank >= 1, "a rank of \(rank)")
        (self.rank, self.alpha, self.isRankStabilized) = (rank, alpha, isRankStabilized)
    }

    /// `s`.
    public var scale: Float { isRankStabilized ? alpha / Float(rank).squareRoot() : alpha / Float(rank) }

    /// Its name.
    public var name: String { "lora" }

    /// `A` and `B`.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] {
        [ParameterShape("A", rank, inputs), ParameterShape("B", outputs, rank)]
    }

    /// `x Aᵀ`, and on the way back its gradient beside it.
    public func savedColumns(inputs: Int, outputs: Int) -> Int { 2 * rank }

    /// `A` uniform within ±1/sqrt(inputs), as PEFT draws it; `B` zero.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) {
        tensors[0].fillUniform(within: 1 / Float(tensors[0].columns).squareRoot(), &random)
        tensors[1].fill(0)
    }

    /// Adds `f(x)`.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        let low = saved.columns(0..<rank)
        matmul(x, tensors[0], into: low, transposeB: true)
        matmul(low, tensors[1], into: y, transposeB: true, alpha: scale, beta: 1)
    }

    /// Adds up its gradients.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        let (low, dlow) = (saved.columns(0..<rank), saved.columns(rank..<2 * rank))
        matmul(dy, low, into: gradients[1], transposeA: true, alpha: scale, beta: 1)
        matmul(dy, tensors[1], into: dlow, alpha: scale)
        matmul(dlow, x, into: gradients[0], transposeA: true, beta: 1)
        if let dx { matmul(dlow, tensors[0], into: dx, beta: 1) }
    }

    /// `f` as a matrix.
    public func delta(_ tensors: [MatrixView]) -> Matrix? {
        let delta = MatrixView(rows: tensors[0].columns, columns: tensors[1].rows)
        matmul(tensors[0], tensors[1], into: delta, transposeA: true, transposeB: true, alpha: scale)
        return Matrix(rows: delta.rows, columns: delta.columns, values: delta.values)
    }
}

extension MatrixView {
    /// Values uniform in `[-bound, bound)`.
    func fillUniform(within bound: Float, _ random: inout RandomSource) {
        for row in 0..<rows {
            for column in 0..<columns { self[row, column] = bound * Float(2 * random.uniform() - 1) }
        }
    }
}
