import Tensor

/// One user's support gathered out of the pack, in buffers that the next user reuses.
struct SupportScratch {
    let width: Int
    private(set) var count = 0
    /// `[count, width]`, the directions `x P`.
    private var directions: [Float] = []
    private(set) var startLogits: [Float] = []
    /// Of the head of users without data.
    private(set) var generalLogits: [Float] = []
    private(set) var labels: [Float] = []

    init(width: Int) { self.width = width }

    /// Copies a user's newest examples.
    mutating func gather(_ user: UserSupport, from features: ProjectedFeatures, newest limit: Int) {
        let taken = max(0, user.count - limit)..<user.count
        count = taken.count
        labels = Array(user.labels[taken])
        directions.removeAll(keepingCapacity: true)
        startLogits.removeAll(keepingCapacity: true)
        generalLogits.removeAll(keepingCapacity: true)
        let stride = ProjectedFeatures.columns(width: width)
        for example in taken {
            let first = Int(user.rows[example]) * stride
            directions.append(contentsOf: features.rows.values[first..<first + width])
            startLogits.append(features.rows.values[first + width])
            generalLogits.append(features.rows.values[first + width + 1])
        }
    }

    /// `Y Yᵀ`, shape `[count, count]`.
    func gram() -> [Float] {
        var gram = [Float](repeating: 0, count: count * count)
        matmul(directions.span, directions.span, into: &gram, m: count, n: count, k: width, transposeB: true)
        return gram
    }

    /// `Y a` of a state.
    func logits(of state: ArraySlice<Float>) -> [Float] {
        var logits = [Float](repeating: 0, count: count)
        matmul(directions.span, Array(state).span, into: &logits, m: count, n: 1, k: width)
        return logits
    }

    /// `a = Yᵀ α + more`, written to one row of the pack's states.
    func combine(
        _ coefficients: [Float], plus more: (share: Float, state: ArraySlice<Float>)? = nil, into states: inout Matrix,
        row: Int
    ) {
        guard count > 0 else { return }
        var combined = [Float](repeating: 0, count: width)
        matmul(coefficients.span, directions.span, into: &combined, m: 1, n: width, k: count)
        if let more { for (column, value) in more.state.enumerated() { combined[column] += more.share * value } }
        states.values.replaceSubrange(row * width..<(row + 1) * width, with: combined)
    }
}
