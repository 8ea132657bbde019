import Synchronization

/// Products by oneDNN, with weights in the layout that its kernels read.
///
/// Any number of threads may call it at once; each product runs in the thread that calls. With the `brg` kernels, those of
/// processors with AVX-512, a row's values do not depend on the rows beside it; with `gemm:jit` their last bits do.
public final class OneDNNLinear: FrozenLinear {
    /// Columns of x.
    public let inputs: Int
    /// Columns of y.
    public let outputs: Int
    private let library: OneDNNLibrary
    private let forwardWeights: OneDNNWeights
    /// Packed when first asked for: a base that only embeds never does.
    private let backwardWeights = Mutex<OneDNNWeights?>(nil)

    /// Packs the weights, `[bias.count, inputs]`.
    init(
        _ library: OneDNNLibrary, _ format: OneDNNFormat, weights: [Float], bias: [Float]
    ) throws(OneDNNError) {
        precondition(
            !bias.isEmpty && !weights.isEmpty && weights.count % bias.count == 0, "no [outputs, inputs] matrix")
        _ = try library.kernels(of: format)
        self.library = library
        forwardWeights = try OneDNNWeights(library.calls, format, weights: weights, bias: bias)
        (inputs, outputs) = (forwardWeights.shape.inputs, forwardWeights.shape.outputs)
    }

    /// `y = x Wᵀ + b`; see ``FrozenLinear/forward(_:into:)``.
    public func forward(_ x: MatrixView, into y: MatrixView) {
        precondition(
            x.columns == inputs && y.columns == outputs && x.rows == y.rows,
            "[\(x.rows), \(x.columns)] into [\(y.rows), \(y.columns)] by a [\(outputs), \(inputs)] layer")
        multiply(x, forwardWeights, into: y, adding: false)
    }

    /// `dx = dy W` or `dx += dy W`; see ``FrozenLinear/backward(_:into:adding:)``.
    public func backward(_ dy: MatrixView, into dx: MatrixView, adding: Bool) {
        precondition(
            dy.columns == outputs && dx.columns == inputs && dy.rows == dx.rows,
            "[\(dy.rows), \(dy.columns)] back into [\(dx.rows), \(dx.columns)] by a [\(outputs), \(inputs)] layer")
        let weights = backwardWeights.withLock { weights in
            if let weights { return weights }
            let packed = Self.require { () throws(OneDNNError) in
                try OneDNNWeights(transposing: forwardWeights, library.calls)
            }
            weights = packed
            return packed
        }
        multiply(dy, weights, into: dx, adding: adding)
    }

    private func multiply(_ x: MatrixView, _ weights: OneDNNWeights, into y: MatrixView, adding: Bool) {
        Self.require { () throws(OneDNNError) in
            try library.withWorkspace { workspace throws(OneDNNError) in
                try workspace.multiply(x, weights, into: y, adding: adding)
            }
        }
    }

    /// A product that was possible when the layer was prepared stays possible, except where memory has run out: then the
    /// process ends, as it does for Swift's own allocations.
    private static func require<Value>(_ body: () throws(OneDNNError) -> Value) -> Value {
        do throws(OneDNNError) { return try body() } catch { fatalError(error.reason) }
    }
}
