/// What one user's adapter stores: a difference to a recipe's start head, in one of three forms.
public enum HeadDelta: Sendable, Equatable {
    /// Some rows in int8: what a recipe without a basis stores.
    case rows(RowDelta)
    /// Coefficients in the recipe's basis, in int8 or int4: the smallest.
    case coefficients(BasisDelta)
    /// Every weight as a float: what is pulled for people, and what the others are measured against.
    case full(FullDelta)

    /// The delta that changes nothing.
    public static func zero(width: Int) -> HeadDelta { .rows(.zero(width: width)) }

    /// Number of features of the head it changes.
    public var width: Int {
        switch self {
        case .rows(let delta): delta.width
        case .coefficients(let delta): delta.basis.width
        case .full(let delta): delta.weights.count
        }
    }

    /// How many numbers it stores besides scale and bias: rows, coefficients or weights.
    public var valueCount: Int {
        switch self {
        case .rows(let delta): delta.values.count
        case .coefficients(let delta): delta.values.count
        case .full(let delta): delta.weights.count
        }
    }

    /// The difference in full: weights of shape `[width]`, and bias.
    public func dense() -> (weights: [Float], bias: Float) {
        switch self {
        case .rows(let delta): delta.dense()
        case .coefficients(let delta): delta.dense()
        case .full(let delta): (delta.weights, delta.bias)
        }
    }

    /// The head a user is served with.
    ///
    /// - Parameter start: the start head of the recipe that the delta was made with.
    public func applied(to start: LinearHead) -> LinearHead {
        precondition(start.width == width, "a delta of \(width) rows on a head of \(start.width)")
        let (weights, bias) = dense()
        var head = start
        for row in 0..<width { head.weights[row] += weights[row] }
        head.bias += bias
        return head
    }
}
