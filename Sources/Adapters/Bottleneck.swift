public import Tensor

/// A bottleneck, `f(x) = s relu(x D) U` with `D` `[inputs, width]`, `U` `[width, outputs]`.
///
/// After a layer it is the adapter of Pfeiffer et al. 2021 (and of Houlsby et al. 2019), which reads what it adds to. Beside
/// a layer it is the parallel adapter of He et al. 2022, section 3.3, which reads what the layer reads.
public struct Bottleneck: AdapterKind, Equatable {
    /// Channels between `D` and `U`.
    public let width: Int
    /// `s`.
    public let scale: Float
    /// Whether it reads what the layer reads.
    public let readsLayerInput: Bool

    /// An adapter after a layer.
    public static func pfeiffer(width: Int) -> Bottleneck { Bottleneck(width: width, scale: 1, readsLayerInput: false) }

    /// An adapter beside a layer; its authors use a scale of 4, or learn it.
    public static func parallel(width: Int, scale: Float = 4) -> Bottleneck {
        Bottleneck(width: width, scale: scale, readsLayerInput: true)
    }

    private init(width: Int, scale: Float, readsLayerInput: Bool) {
        precondition(width >= 1, "a bottleneck of \(width)")
        (self.width, self.scale, self.readsLayerInput) = (width, scale, readsLayerInput)
    }

    /// Its name.
    public var name: String { readsLayerInput ? "parallel" : "bottleneck" }

    /// `D` and `U`.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] {
        [ParameterShape("D", inputs, width), ParameterShape("U", width, outputs)]
    }

    /// `relu(x D)`, and on the way back its gradient beside it.
    public func savedColumns(inputs: Int, outputs: Int) -> Int { 2 * width }

    /// `D` uniform within ±1/sqrt(inputs); `U` zero.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) {
        tensors[0].fillUniform(within: 1 / Float(tensors[0].rows).squareRoot(), &random)
        tensors[1].fill(0)
    }

    /// Adds `f(x)`.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        let inner = saved.columns(0..<width)
        matmul(x, tensors[0], into: inner)
        rectify(inner)
        matmul(inner, tensors[1], into: y, alpha: scale, beta: 1)
    }

    /// Adds up its gradients.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        let (inner, dinner) = (saved.columns(0..<width), saved.columns(width..<2 * width))
        matmul(inner, dy, into: gradients[1], transposeA: true, alpha: scale, beta: 1)
        matmul(dy, tensors[1], into: dinner, transposeB: true, alpha: scale)
        rectifierGradient(dinner, y: inner)
        matmul(x, dinner, into: gradients[0], transposeA: true, beta: 1)
        if let dx { matmul(dinner, tensors[0], into: dx, transposeB: true, beta: 1) }
    }
}
