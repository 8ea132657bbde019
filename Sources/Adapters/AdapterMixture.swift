public import Tensor

/// A mixture of frozen adapters, `f(x) = Σ_i w_i f_i(x)`, of which a user learns the weights `w` only: what is left to 1 is the
/// base's (the parallel composition of a library; LoraHub, Huang et al. 2023).
public struct AdapterMixture: AdapterKind {
    /// The experts.
    public let library: AdapterLibrary

    /// Mixes the experts of a library.
    public init(_ library: AdapterLibrary) { self.library = library }

    /// As the experts.
    public var readsLayerInput: Bool { library.readsLayerInput }

    /// Its name.
    public var name: String { "mixture" }

    /// `w`.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] {
        [ParameterShape("w", 1, library.experts.count)]
    }

    /// Each expert's output and what it keeps itself, and the gradient at it.
    public func savedColumns(inputs: Int, outputs: Int) -> Int {
        outputs + library.savedColumns(inputs: inputs, outputs: outputs)
    }

    /// Zeros: the base alone.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) { tensors[0].fill(0) }

    /// Adds `f(x)`.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        library.forward(x, saved.columns(y.columns..<saved.columns), outputs: y.columns) { index, output in
            add(output, to: y, scale: tensors[0][0, index])
        }
    }

    /// Adds up the gradient at `w`; the experts stay as they are.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        let room = saved.columns(dy.columns..<saved.columns)
        library.outputs(room, inputs: x.columns, outputs: dy.columns) { index, output in
            gradients[0][0, index] += innerProduct(dy, output)
        }
        guard let dx else { return }
        library.backward(x, room, weighted: saved.columns(0..<dy.columns), dx: dx) { index, weighted in
            weighted.fill(0)
            add(dy, to: weighted, scale: tensors[0][0, index])
        }
    }

    /// The weighted sum of the experts' matrices.
    public func delta(_ tensors: [MatrixView]) -> Matrix? {
        var total: Matrix?
        for (index, expert) in library.experts.enumerated() {
            guard let delta = expert.kind.delta(expert.tensors) else { return nil }
            let weight = tensors[0][0, index]
            let scaled = delta.values.map { weight * $0 }
            total = Matrix(
                rows: delta.rows, columns: delta.columns,
                values: total.map { zip($0.values, scaled).map(+) } ?? scaled)
        }
        return total
    }
}
