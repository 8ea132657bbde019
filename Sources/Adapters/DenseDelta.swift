public import Tensor

/// A matrix of all values, `f(x) = x A`, `A` `[inputs, outputs]`: too large for a user to keep. Its gradient is what the support
/// of a ``SparseDelta`` is chosen by.
public struct DenseDelta: AdapterKind, Equatable {
    /// Makes the kind; it has no hyperparameters.
    public init() {}

    /// Its name.
    public var name: String { "dense" }

    /// `A`.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] { [ParameterShape("A", inputs, outputs)] }

    /// The gradient at x, before it is added where dy may still have to be read.
    public func savedColumns(inputs: Int, outputs: Int) -> Int { inputs }

    /// Zeros: the gradient does not vanish there.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) { tensors[0].fill(0) }

    /// Adds `f(x)`.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        matmul(x, tensors[0], into: y, beta: 1)
    }

    /// Adds up its gradients.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        matmul(x, dy, into: gradients[0], transposeA: true, beta: 1)
        guard let dx else { return }
        matmul(dy, tensors[0], into: saved, transposeB: true)
        add(saved, to: dx)
    }

    /// `A`.
    public func delta(_ tensors: [MatrixView]) -> Matrix? {
        Matrix(rows: tensors[0].rows, columns: tensors[0].columns, values: tensors[0].values)
    }
}
