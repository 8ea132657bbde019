public import Tensor

/// A named matrix among an adapter's parameters.
public struct ParameterShape: Sendable, Equatable {
    /// Its name in files.
    public let name: String
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int

    /// Names a shape.
    public init(_ name: String, _ rows: Int, _ columns: Int) {
        (self.name, self.rows, self.columns) = (name, rows, columns)
    }

    /// Number of values.
    public var count: Int { rows * columns }
}

/// One kind of adapter: the function that it adds to a site's output and the gradients of it.
///
/// `y += f(x)` with `x` `[rows, inputs]` and `y` `[rows, outputs]`; `f` is zero at the kind's neutral start. A kind holds its
/// hyperparameters only; parameters are given to every call, one user's at a time.
public protocol AdapterKind: Sendable {
    /// What it is called in recipes and files.
    var name: String { get }
    /// The parameters, in the order of `tensors` below.
    func parameters(inputs: Int, outputs: Int) -> [ParameterShape]
    /// Columns a row that ``forward(_:x:y:saved:)`` keeps for the way back.
    func savedColumns(inputs: Int, outputs: Int) -> Int
    /// Whether it reads the layer's input also where a site yields a layer's output (attention, feed-forward), rather than
    /// that output.
    var readsLayerInput: Bool { get }
    /// A start at which `f` is zero and whose gradient is not.
    func initialize(_ tensors: [MatrixView], random: inout RandomSource)
    /// `y += f(x)`.
    ///
    /// - Parameter saved: `[rows, savedColumns]`, overwritten.
    func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView)
    /// Adds the gradients of the parameters to `gradients` and, where wanted, the one at x to `dx`.
    ///
    /// - Parameters:
    ///   - saved: what the way there kept; overwritten.
    ///   - dy: the gradient at y.
    ///   - dx: may be dy: it is written when dy has been read.
    func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?)
    /// The matrix `[inputs, outputs]` with `f(x) = x · delta`, where there is one: it can be merged into the base.
    func delta(_ tensors: [MatrixView]) -> Matrix?
}

extension AdapterKind {
    /// False.
    public var readsLayerInput: Bool { false }
    /// None.
    public func delta(_ tensors: [MatrixView]) -> Matrix? { nil }
}
