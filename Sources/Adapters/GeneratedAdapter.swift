public import Tensor

/// An adapter whose parameters are generated from a few numbers a user: `A = A₀ + Σ_b z_b V_b` over directions that all users
/// share (the basis form of a hypernetwork: Ha et al. 2017; Mahabadi et al. 2021).
///
/// A user is `z`; the start `A₀` and the directions `V` belong to the recipe.
public struct GeneratedAdapter: AdapterKind {
    /// What is generated.
    public let kind: any AdapterKind
    /// Columns of x and of y.
    public let channels: (inputs: Int, outputs: Int)
    /// `A₀`, `[1, parameters]`: all of the kind's in order.
    private let start: MatrixView
    /// `V`, `[directions, parameters]`.
    private let directions: MatrixView
    private let shapes: [ParameterShape]

    /// Generates the parameters of a kind at sites of some channels.
    ///
    /// - Parameters:
    ///   - start: one value a parameter of the kind.
    ///   - directions: `[directions, parameters]`.
    public init(_ kind: any AdapterKind, inputs: Int, outputs: Int, start: [Float], directions: Matrix) {
        shapes = kind.parameters(inputs: inputs, outputs: outputs)
        let count = shapes.reduce(0) { $0 + $1.count }
        precondition(start.count == count && directions.columns == count, "\(count) parameters are generated")
        (self.kind, channels) = (kind, (inputs, outputs))
        self.start = MatrixView(rows: 1, columns: count, values: start)
        self.directions = MatrixView(rows: directions.rows, columns: count, values: directions.values)
    }

    /// Its name.
    public var name: String { "generated-\(kind.name)" }
    /// As the kind.
    public var readsLayerInput: Bool { kind.readsLayerInput }

    /// `z`.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] {
        precondition(inputs == channels.inputs && outputs == channels.outputs, "generated for other channels")
        return [ParameterShape("z", 1, directions.rows)]
    }

    /// The kind's.
    public func savedColumns(inputs: Int, outputs: Int) -> Int { kind.savedColumns(inputs: inputs, outputs: outputs) }

    /// Zeros: the recipe's start.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) { tensors[0].fill(0) }

    /// Adds the generated adapter's function.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        kind.forward(split(generate(tensors[0])), x: x, y: y, saved: saved)
    }

    /// Adds up the gradient at `z`.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        let gradient = MatrixView(rows: 1, columns: start.columns)
        kind.backward(
            split(generate(tensors[0])), gradients: split(gradient), x: x, saved: saved, dy: dy, dx: dx)
        matmul(gradient, directions, into: gradients[0], transposeB: true, beta: 1)
    }

    /// The generated adapter's matrix.
    public func delta(_ tensors: [MatrixView]) -> Matrix? { kind.delta(split(generate(tensors[0]))) }

    private func generate(_ z: MatrixView) -> MatrixView {
        let row = MatrixView(rows: 1, columns: start.columns)
        row.copy(start)
        matmul(z, directions, into: row, beta: 1)
        return row
    }

    private func split(_ row: MatrixView) -> [MatrixView] {
        var offset = 0
        return shapes.map { shape in
            defer { offset += shape.count }
            return MatrixView(row.buffer, offset: offset, rows: shape.rows, columns: shape.columns)
        }
    }
}
