/// Products by OpenBLAS `sgemm`.
public struct BLASLinear: FrozenLinear {
    /// Columns of x.
    public let inputs: Int
    /// Columns of y.
    public let outputs: Int
    /// `[outputs, inputs]`.
    private let weights: MatrixView
    private let bias: [Float]

    /// Copies the weights, `[bias.count, inputs]`.
    public init(weights: [Float], bias: [Float]) {
        (self.bias, outputs) = (bias, bias.count)
        inputs = weights.count / max(bias.count, 1)
        self.weights = MatrixView(rows: outputs, columns: inputs, values: weights)
    }

    /// `y = x Wᵀ + b`; see ``FrozenLinear/forward(_:into:)``.
    public func forward(_ x: MatrixView, into y: MatrixView) {
        fillRows(y, with: bias.span)
        matmul(x, weights, into: y, transposeB: true, beta: 1)
    }

    /// `dx = dy W` or `dx += dy W`; see ``FrozenLinear/backward(_:into:adding:)``.
    public func backward(_ dy: MatrixView, into dx: MatrixView, adding: Bool) {
        matmul(dy, weights, into: dx, beta: adding ? 1 : 0)
    }
}
