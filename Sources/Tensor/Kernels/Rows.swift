/// Sets every row of `x` to `row`: what a product with `beta` 1 then adds to.
///
/// - Parameters:
///   - x: at least `rows * row.count` values, `[rows, row.count]`.
///   - row: `[columns]`.
public func fillRows(_ x: inout [Float], with row: Span<Float>, rows: Int) {
    let columns = row.count
    precondition(x.count >= rows * columns, "fill [\(rows), \(columns)] of \(x.count) values")
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe row.withUnsafeBufferPointer { row in
            guard let x = x.baseAddress, let row = row.baseAddress else { return }
            for index in 0..<rows { unsafe (x + index * columns).update(from: row, count: columns) }
        }
    }
}

/// Copies rows of a table: `x[i] = table[indices[i]]`.
///
/// - Parameters:
///   - table: `[any, columns]`.
///   - indices: each at least 0 and below the rows of the table.
///   - x: at least `indices.count * columns` values.
public func gatherRows(_ table: Span<Float>, _ indices: some Collection<Int32>, columns: Int, into x: inout [Float]) {
    let rows = table.count / columns
    precondition(x.count >= indices.count * columns, "gather \(indices.count) rows of \(columns) into \(x.count)")
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe table.withUnsafeBufferPointer { table in
            guard var target = x.baseAddress, let table = table.baseAddress else { return }
            for index in indices {
                precondition((0..<rows).contains(Int(index)), "row \(index) of a table of \(rows)")
                unsafe target.update(from: table + Int(index) * columns, count: columns)
                unsafe target += columns
            }
        }
    }
}

/// The mean of each sequence's rows, scaled to unit length: `out[s] = m / |m|`, `m` the mean over the sequence.
///
/// A sequence without tokens, or whose mean is zero, gives zeros.
///
/// - Parameters:
///   - x: at least `boundaries.last * columns` values, `[tokens, columns]`.
///   - boundaries: `[sequences + 1]`, ascending from 0.
/// - Returns: `[sequences, columns]`.
public func normalizedMeans(_ x: Span<Float>, boundaries: [Int], columns: Int) -> Matrix {
    var means = Matrix(rows: max(boundaries.count - 1, 0), columns: columns)
    for sequence in 0..<means.rows {
        let target = sequence * columns
        for token in boundaries[sequence]..<boundaries[sequence + 1] {
            for column in 0..<columns { means.values[target + column] += x[token * columns + column] }
        }
        // The count divides out of m / |m|.
        var squares: Float = 0
        for column in 0..<columns { squares += means.values[target + column] * means.values[target + column] }
        guard squares > 0 else { continue }
        let scale = 1 / squares.squareRoot()
        for column in 0..<columns { means.values[target + column] *= scale }
    }
    return means
}
