public import Tensor

/// Frozen adapters for the same channels that users compose: by weights of their own (``AdapterMixture``) or by attention
/// (``TaskAttention``).
public struct AdapterLibrary: Sendable {
    /// One of them.
    public struct Expert: Sendable {
        let kind: any AdapterKind
        let tensors: [MatrixView]

        /// An adapter and its parameters, in the order of the kind's.
        public init(_ kind: any AdapterKind, _ tensors: [MatrixView]) { (self.kind, self.tensors) = (kind, tensors) }
    }

    /// In the order of a user's weights.
    public let experts: [Expert]
    /// Whether they read what the layer reads.
    public let readsLayerInput: Bool

    /// Gathers at least one expert; all of them must read the same.
    public init(_ experts: [Expert]) {
        precondition(Set(experts.map(\.kind.readsLayerInput)).count == 1, "experts that read the same")
        self.experts = experts
        readsLayerInput = experts[0].kind.readsLayerInput
    }

    /// Each expert's output and what it keeps itself.
    func savedColumns(inputs: Int, outputs: Int) -> Int {
        experts.reduce(0) { $0 + outputs + $1.kind.savedColumns(inputs: inputs, outputs: outputs) }
    }

    /// Computes every expert's `f_i(x)` into its part of a room and lends it.
    func forward(_ x: MatrixView, _ room: MatrixView, outputs: Int, _ body: (Int, MatrixView) -> Void) {
        each(room, inputs: x.columns, outputs: outputs) { index, expert, output, own in
            output.fill(0)
            expert.kind.forward(expert.tensors, x: x, y: output, saved: own)
            body(index, output)
        }
    }

    /// Lends what ``forward(_:_:outputs:_:)`` computed.
    func outputs(_ room: MatrixView, inputs: Int, outputs: Int, _ body: (Int, MatrixView) -> Void) {
        each(room, inputs: inputs, outputs: outputs) { index, _, output, _ in body(index, output) }
    }

    /// Adds the gradient at x through every expert.
    ///
    /// - Parameters:
    ///   - weighted: room for the gradient at an expert's output, which `weight` fills.
    ///   - dx: may be what `weight` reads: it is written at the end.
    func backward(
        _ x: MatrixView, _ room: MatrixView, weighted: MatrixView, dx: MatrixView, weight: (Int, MatrixView) -> Void
    ) {
        let sum = MatrixView(rows: dx.rows, columns: dx.columns)
        each(room, inputs: x.columns, outputs: weighted.columns) { index, expert, _, own in
            weight(index, weighted)
            // Experts are frozen: nobody reads these.
            let unused = expert.tensors.map { MatrixView(rows: $0.rows, columns: $0.columns) }
            expert.kind.backward(expert.tensors, gradients: unused, x: x, saved: own, dy: weighted, dx: sum)
        }
        add(sum, to: dx)
    }

    private func each(
        _ room: MatrixView, inputs: Int, outputs: Int, _ body: (Int, Expert, MatrixView, MatrixView) -> Void
    ) {
        var first = 0
        for (index, expert) in experts.enumerated() {
            let own = first + outputs
            let end = own + expert.kind.savedColumns(inputs: inputs, outputs: outputs)
            body(index, expert, room.columns(first..<own), room.columns(own..<end))
            first = end
        }
    }
}
