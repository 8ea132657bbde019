/// An affine layer that is never trained, prepared once for the products it is read by: `y = x Wᵀ + b`.
///
/// Two libraries compute these products, each with weights of its own form: OpenBLAS (``BLASLinear``) and, where it is
/// installed, oneDNN (``OneDNNLinear``).
public protocol FrozenLinear: Sendable {
    /// Columns of x.
    var inputs: Int { get }
    /// Columns of y.
    var outputs: Int { get }
    /// `y = x Wᵀ + b`.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`.
    ///   - y: `[rows, outputs]`, overwritten; not the rows of x.
    func forward(_ x: MatrixView, into y: MatrixView)
    /// `dx = dy W`, or `dx += dy W`: the gradient of what the layer read. No gradient of W or b is ever formed.
    ///
    /// - Parameters:
    ///   - dy: `[rows, outputs]`.
    ///   - dx: `[rows, inputs]`; not the rows of dy.
    func backward(_ dy: MatrixView, into dx: MatrixView, adding: Bool)
}
