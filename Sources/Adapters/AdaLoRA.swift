public import Tensor

/// Low-rank adaptation by singular values, `f(x) = s ((x Aᵀ) ⊙ E) Bᵀ` with `A` `[rank, inputs]`, `E` `[1, rank]`, `B` `[outputs, rank]`
/// (AdaLoRA, Zhang et al. 2023, equation 3): the baseline that spends rank where it matters.
///
/// `A`'s rows and `B`'s columns are kept near orthogonal by ``orthogonality(_:gradients:weight:)``, so that entries of `E` can
/// be compared and the least dropped (``SparseDelta/keepLargest(_:of:)``).
public struct AdaLoRA: AdapterKind, Equatable {
    /// Rows of `A`, of which a budget may keep fewer.
    public let rank: Int
    /// The numerator of `s`.
    public let alpha: Float

    /// Makes the kind; `rank >= 1`.
    public init(rank: Int, alpha: Float) {
        precondition(rank >= 1, "a rank of \(rank)")
        (self.rank, self.alpha) = (rank, alpha)
    }

    /// `s`, with what PEFT adds to the rank.
    public var scale: Float { alpha / (Float(rank) + 1e-5) }

    /// Its name.
    public var name: String { "adalora" }

    /// `A`, `E` and `B`.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] {
        [ParameterShape("A", rank, inputs), ParameterShape("E", 1, rank), ParameterShape("B", outputs, rank)]
    }

    /// `x Aᵀ`, the same times `E`, and on the way back the gradient at it.
    public func savedColumns(inputs: Int, outputs: Int) -> Int { 3 * rank }

    /// `A` and `B` normal with deviation 0.02, as PEFT draws them; `E` zero.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) {
        for tensor in [tensors[0], tensors[2]] {
            for row in 0..<tensor.rows {
                for column in 0..<tensor.columns { tensor[row, column] = 0.02 * Float(random.normal()) }
            }
        }
        tensors[1].fill(0)
    }

    /// Adds `f(x)`.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        let (low, weighted) = (saved.columns(0..<rank), saved.columns(rank..<2 * rank))
        matmul(x, tensors[0], into: low, transposeB: true)
        multiplyColumns(low, by: tensors[1], into: weighted)
        matmul(weighted, tensors[2], into: y, transposeB: true, alpha: scale, beta: 1)
    }

    /// Adds up its gradients.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        let (low, weighted) = (saved.columns(0..<rank), saved.columns(rank..<2 * rank))
        let dweighted = saved.columns(2 * rank..<3 * rank)
        matmul(dy, weighted, into: gradients[2], transposeA: true, alpha: scale, beta: 1)
        matmul(dy, tensors[2], into: dweighted, alpha: scale)
        addColumnDots(dweighted, low, to: gradients[1])
        multiplyColumns(dweighted, by: tensors[1], into: dweighted)
        matmul(dweighted, x, into: gradients[0], transposeA: true, beta: 1)
        if let dx { matmul(dweighted, tensors[0], into: dx, beta: 1) }
    }

    /// `f` as a matrix.
    public func delta(_ tensors: [MatrixView]) -> Matrix? {
        let weighted = MatrixView(rows: tensors[2].rows, columns: rank)
        multiplyColumns(tensors[2], by: tensors[1], into: weighted)
        let delta = MatrixView(rows: tensors[0].columns, columns: tensors[2].rows)
        matmul(tensors[0], weighted, into: delta, transposeA: true, transposeB: true, alpha: scale)
        return Matrix(rows: delta.rows, columns: delta.columns, values: delta.values)
    }

    /// `weight` times the mean over all `A` and `B` of `‖A Aᵀ - I‖` and `‖Bᵀ B - I‖` (Frobenius; PEFT's form of equation 4), whose
    /// gradients are added.
    ///
    /// - Parameters:
    ///   - tensors: each site's `A`, `E`, `B`.
    ///   - gradients: likewise.
    public static func orthogonality(
        _ tensors: [[MatrixView]], gradients: [[MatrixView]], weight: Float
    ) -> Float {
        let share = weight / Float(max(1, 2 * tensors.count))
        return zip(tensors, gradients).reduce(0) { total, site in
            let a = distance(of: site.0[0], byRows: true, gradient: site.1[0], share: share)
            let b = distance(of: site.0[2], byRows: false, gradient: site.1[2], share: share)
            return total + share * (a + b)
        }
    }

    /// `‖G - I‖` with the Gram matrix `G` of a matrix's rows or columns; its gradient is `2 (G - I) M / ‖G - I‖` or `2 M (G - I) / …`.
    private static func distance(
        of matrix: MatrixView, byRows: Bool, gradient: MatrixView, share: Float
    ) -> Float {
        let rank = byRows ? matrix.rows : matrix.columns
        let gram = MatrixView(rows: rank, columns: rank)
        matmul(matrix, matrix, into: gram, transposeA: !byRows, transposeB: byRows)
        for index in 0..<rank { gram[index, index] -= 1 }
        let norm = gram.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm > 0 else { return 0 }
        let slope = 2 * share / norm
        if byRows {
            matmul(gram, matrix, into: gradient, alpha: slope, beta: 1)
        } else {
            matmul(matrix, gram, into: gradient, alpha: slope, beta: 1)
        }
        return norm
    }
}
