/// The mean of each sequence's rows, scaled to unit length: `means[s] = m / |m|`, `m` the mean over the sequence's tokens
/// (sentence-transformers; Reimers and Gurevych 2019, section 3).
///
/// A sequence without tokens, or whose mean is zero, gives zeros.
///
/// - Parameters:
///   - x: `[tokens, columns]`.
///   - boundaries: `[sequences + 1]`, ascending from 0: sequence s is the tokens `boundaries[s]..<boundaries[s + 1]`.
///   - means: `[sequences, columns]`, overwritten; not rows of x.
///   - lengths: `[sequences, 1]`, overwritten: `|m|`, for the way back.
public func normalizedMeans(_ x: MatrixView, boundaries: [Int], into means: MatrixView, lengths: MatrixView) {
    requirePoolingShapes(x, boundaries, means, lengths)
    means.fill(0)
    for sequence in 0..<means.rows {
        let tokens = boundaries[sequence]..<boundaries[sequence + 1]
        let mean = unsafe means.row(sequence)
        for token in tokens {
            let values = unsafe UnsafePointer(x.row(token))
            unsafe mapRow(mean, into: mean, count: x.columns) { unsafe $0 + values[$1] }
        }
        // The count divides out of m / |m|.
        let length = unsafe dot(mean, mean, x.columns).squareRoot()
        lengths[sequence, 0] = length / Float(max(tokens.count, 1))
        let scale = length > 0 ? 1 / length : 0
        unsafe mapRow(mean, into: mean, count: x.columns) { value, _ in value * scale }
    }
}

/// The gradient of ``normalizedMeans(_:boundaries:into:lengths:)`` at the rows: each token of a sequence gets
/// `(dy - y (dy · y)) / (|m| tokens)`, `y` the sequence's mean of unit length; zeros where the mean is zero.
///
/// - Parameters:
///   - dmeans: `[sequences, columns]`.
///   - means: `[sequences, columns]`, as the way forward left them.
///   - lengths: `[sequences, 1]`, as the way forward left them.
///   - boundaries: `[sequences + 1]`, ascending from 0.
///   - dx: `[tokens, columns]`, overwritten up to the last boundary; not rows of `dmeans` or `means`.
public func normalizedMeansGradient(
    _ dmeans: MatrixView, means: MatrixView, lengths: MatrixView, boundaries: [Int], into dx: MatrixView
) {
    requirePoolingShapes(dx, boundaries, means, lengths)
    dmeans.requireShape(of: means)
    for sequence in 0..<means.rows {
        let tokens = boundaries[sequence]..<boundaries[sequence + 1]
        guard let first = tokens.first else { continue }
        let (gradient, mean, target) = unsafe (
            UnsafePointer(dmeans.row(sequence)), UnsafePointer(means.row(sequence)), dx.row(first)
        )
        let along = unsafe dot(gradient, mean, dx.columns)
        let length = lengths[sequence, 0]
        let scale = length > 0 ? 1 / (length * Float(tokens.count)) : 0
        unsafe mapRow(gradient, into: target, count: dx.columns) { unsafe ($0 - mean[$1] * along) * scale }
        for token in tokens.dropFirst() { unsafe dx.row(token).update(from: target, count: dx.columns) }
    }
}

private func requirePoolingShapes(_ x: MatrixView, _ boundaries: [Int], _ means: MatrixView, _ lengths: MatrixView) {
    _ = longestSequence(boundaries, rows: x.rows)
    let sequences = max(boundaries.count - 1, 0)
    precondition(
        means.rows == sequences && means.columns == x.columns && lengths.rows == sequences && lengths.columns == 1,
        "\(sequences) means of \(x.columns) columns into [\(means.rows), \(means.columns)]")
}
