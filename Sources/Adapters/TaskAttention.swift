import Foundation
public import Tensor

/// Attention over a library of frozen adapters, row by row: `f(x) = g Σ_i a_i(x) f_i(x)`, `a(x) = softmax_i(x · q_i / sqrt(inputs))`
/// (after AdapterFusion, Pfeiffer et al. 2021, with the row itself as the query and no value matrix).
///
/// A user learns the keys `Q` `[experts, inputs]` and the gain `g`.
public struct TaskAttention: AdapterKind {
    /// The experts.
    public let library: AdapterLibrary

    /// Attends over the experts of a library.
    public init(_ library: AdapterLibrary) { self.library = library }

    /// Its name.
    public var name: String { "task-attention" }
    /// As the experts.
    public var readsLayerInput: Bool { library.readsLayerInput }

    /// `Q` and `g`.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] {
        [ParameterShape("Q", library.experts.count, inputs), ParameterShape("g", 1, 1)]
    }

    /// The attention and its gradient, the gradient at an expert's output, and the library's.
    public func savedColumns(inputs: Int, outputs: Int) -> Int {
        2 * library.experts.count + outputs + library.savedColumns(inputs: inputs, outputs: outputs)
    }

    /// Even attention and a gain of zero: the base alone, from which the gain learns first.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) {
        for tensor in tensors { tensor.fill(0) }
    }

    /// Adds `f(x)`.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        let room = Room(saved, experts: library.experts.count, outputs: y.columns)
        matmul(x, tensors[0], into: room.attention, transposeB: true, alpha: 1 / Float(x.columns).squareRoot())
        Self.softmax(room.attention)
        library.forward(x, room.experts, outputs: y.columns) { index, output in
            addRows(output, to: y, weights: room.attention, column: index, scale: tensors[1][0, 0])
        }
    }

    /// Adds up the gradients at `Q` and `g`; the experts stay as they are.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        let room = Room(saved, experts: library.experts.count, outputs: dy.columns)
        let (gain, scale) = (tensors[1][0, 0], 1 / Float(x.columns).squareRoot())
        library.outputs(room.experts, inputs: x.columns, outputs: dy.columns) { index, output in
            for row in 0..<dy.rows {
                let one = row..<row + 1
                room.gradient[row, index] = innerProduct(dy.rows(one), output.rows(one))
            }
        }
        gradients[1][0, 0] += innerProduct(room.attention, room.gradient)
        for row in 0..<dy.rows {
            let one = row..<row + 1
            let mean = innerProduct(room.attention.rows(one), room.gradient.rows(one))
            for index in 0..<library.experts.count {
                room.gradient[row, index] = gain * room.attention[row, index] * (room.gradient[row, index] - mean)
            }
        }
        matmul(room.gradient, x, into: gradients[0], transposeA: true, alpha: scale, beta: 1)
        guard let dx else { return }
        // dx may be dy: what the keys pass on is added when the experts have read dy.
        let direct = MatrixView(rows: dx.rows, columns: dx.columns)
        matmul(room.gradient, tensors[0], into: direct, alpha: scale)
        library.backward(x, room.experts, weighted: room.weighted, dx: dx) { index, weighted in
            weighted.fill(0)
            addRows(dy, to: weighted, weights: room.attention, column: index, scale: gain)
        }
        add(direct, to: dx)
    }

    /// The parts of what a pass keeps.
    private struct Room {
        let attention: MatrixView
        let gradient: MatrixView
        let weighted: MatrixView
        let experts: MatrixView

        init(_ saved: MatrixView, experts: Int, outputs: Int) {
            attention = saved.columns(0..<experts)
            gradient = saved.columns(experts..<2 * experts)
            weighted = saved.columns(2 * experts..<2 * experts + outputs)
            self.experts = saved.columns(2 * experts + outputs..<saved.columns)
        }
    }

    /// Softmax of each row, a handful of columns.
    private static func softmax(_ rows: MatrixView) {
        for row in 0..<rows.rows {
            let values = (0..<rows.columns).map { rows[row, $0] }
            let top = values.max() ?? 0
            let powers = values.map { Foundation.exp($0 - top) }
            let total = powers.reduce(0, +)
            for (column, power) in powers.enumerated() { rows[row, column] = power / total }
        }
    }
}

/// `y[i] += scale weights[i, column] x[i]`.
private func addRows(
    _ x: MatrixView, to y: MatrixView, weights: MatrixView, column: Int, scale: Float
) {
    for row in 0..<x.rows {
        let one = row..<row + 1
        add(x.rows(one), to: y.rows(one), scale: scale * weights[row, column])
    }
}
