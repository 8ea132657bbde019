import Problem
public import Tensor

/// A frozen transformer: weights ready for its products, shared by all threads; nothing of it ever changes.
public final class Transformer: Sendable {
    /// The digest of the base it runs.
    public let digest: String
    /// The shape of the model.
    public let configuration: TransformerConfiguration
    /// Tokens that a sequence may have.
    public let maximumTokens: Int
    /// What computes the products.
    public let products: ProductBackend

    let weights: TransformerWeights
    let rotary: RotaryTable?

    /// Converts the weights of a base; it may be released afterwards.
    ///
    /// - Parameters:
    ///   - base: an opened folder.
    ///   - maximumTokens: for which buffers are made, 1 up to the positions of the model; at most 2048 unless asked for,
    ///     since the scores of one head of attention grow with its square.
    ///   - products: the library and number format of the products.
    public init(_ base: BaseFolder, maximumTokens: Int? = nil, products: ProductBackend = .openBLAS) throws {
        let configuration = base.configuration
        let limit = maximumTokens ?? min(configuration.positions, 2048)
        precondition((1...configuration.positions).contains(limit), "sequences of \(limit) tokens")
        (digest, self.configuration, self.products) = (base.digest, configuration, products)
        self.maximumTokens = limit
        weights = try TransformerWeights(base.weights, configuration, products)
        rotary = configuration.rotaryBase.map {
            RotaryTable(headWidth: configuration.attention.headWidth, positions: limit, base: $0)
        }
    }

    /// `logits = rows Hᵀ`, the scores of the next token after each row of ``TransformerPass/output``.
    public func score(_ rows: MatrixView, into logits: MatrixView) {
        guard let head = weights.head else { preconditionFailure("an encoder scores no token") }
        head.forward(rows, into: logits)
    }

    /// `rows = dlogits H`, the gradient at the rows.
    public func scoreGradient(_ logits: MatrixView, into rows: MatrixView) {
        guard let head = weights.head else { preconditionFailure("an encoder scores no token") }
        head.backward(logits, into: rows, adding: false)
    }

    /// Whether blocks normalise what each layer reads, rather than each residual sum.
    var normalizesFirst: Bool { configuration.family != .bert }

    /// `y = norm(x)`.
    func normalize(_ x: MatrixView, _ norm: Normalization, into y: MatrixView, statistics: MatrixView) {
        if configuration.family == .llama {
            rmsNorm(x, gain: norm.gain.span, epsilon: configuration.normEpsilon, into: y, statistics: statistics)
        } else {
            layerNorm(
                x, gain: norm.gain.span, shift: norm.shift.span, epsilon: configuration.normEpsilon, into: y,
                statistics: statistics)
        }
    }

    /// `dx (+)= dy · norm'(x)`.
    func normalizeGradient(
        _ dy: MatrixView, x: MatrixView, _ norm: Normalization, statistics: MatrixView, into dx: MatrixView,
        adding: Bool
    ) {
        if configuration.family == .llama {
            rmsNormGradient(dy, x: x, gain: norm.gain.span, statistics: statistics, into: dx, adding: adding)
        } else {
            layerNormGradient(dy, x: x, gain: norm.gain.span, statistics: statistics, into: dx, adding: adding)
        }
    }

    /// What the feed-forward layer does between its products.
    func activate(_ rows: BlockRows) {
        switch configuration.family {
        case .bert: gelu(rows.up, .exact, into: rows.inner)
        case .gpt2: gelu(rows.up, .tanh, into: rows.inner)
        case .llama: gatedSiLU(rows.up, gate: rows.gates, into: rows.inner)
        }
    }

    /// The way back of ``activate(_:)``: the gradient at the activation becomes the one at what it read, in place.
    func activateGradient(_ gradient: MatrixView, gates: MatrixView, _ rows: BlockRows) {
        switch configuration.family {
        case .bert: geluGradient(gradient, x: rows.up, .exact, into: gradient)
        case .gpt2: geluGradient(gradient, x: rows.up, .tanh, into: gradient)
        case .llama: gatedSiLUGradient(gradient, x: rows.up, gate: rows.gates, into: gradient, gate: gates)
        }
    }

    /// A block's projections: queries, keys and values as columns of their product.
    var projectionColumns: [(place: Site.Place, columns: Range<Int>)] {
        let attention = configuration.attention
        let (keys, values) = (attention.width, attention.width + attention.keyValueWidth)
        return [(.query, 0..<keys), (.key, keys..<values), (.value, values..<attention.columns)]
    }
}
