/// Sets every row of `x` to `row`: what a product with `beta` 1 then adds to.
///
/// - Parameters:
///   - x: `[rows, columns]`, overwritten.
///   - row: `[columns]`.
public func fillRows(_ x: MatrixView, with row: Span<Float>) {
    precondition(row.count == x.columns, "a row of \(row.count) for [\(x.rows), \(x.columns)]")
    unsafe withPointer(row) { row in
        for index in 0..<x.rows { unsafe x.row(index).update(from: row, count: x.columns) }
    }
}

/// Copies rows of a table: `x[i] = table[indices[i]]`.
///
/// - Parameters:
///   - table: `[any, x.columns]`.
///   - indices: `[x.rows]`, each at least 0 and below the rows of the table.
///   - x: `[rows, columns]`, overwritten.
public func gatherRows(_ table: Span<Float>, _ indices: some Collection<Int32>, into x: MatrixView) {
    precondition(indices.count == x.rows, "\(indices.count) indices for \(x.rows) rows")
    guard x.columns > 0 else { return }
    let known = table.count / x.columns
    unsafe withElements(indices) { indices in
        unsafe withPointer(table) { table in
            for row in 0..<x.rows {
                let index = unsafe Int(indices[row])
                precondition((0..<known).contains(index), "row \(index) of a table of \(known)")
                unsafe x.row(row).update(from: table + index * x.columns, count: x.columns)
            }
        }
    }
}

/// Copies rows of a matrix: `x[i] = table[indices[i]]`, for example to compute on with some tokens only.
///
/// - Parameters:
///   - table: `[any, columns]`.
///   - indices: `[x.rows]`, each at least 0 and below the rows of the table.
///   - x: `[rows, columns]`, overwritten. It may lie in the table's own rows where the indices ascend strictly: none is
///     overwritten before it is read.
public func gatherRows(_ table: MatrixView, _ indices: some Collection<Int>, into x: MatrixView) {
    precondition(indices.count == x.rows && table.columns == x.columns, "\(indices.count) rows into \(x.rows)")
    unsafe withElements(indices) { indices in
        for row in 0..<x.rows {
            let index = unsafe indices[row]
            precondition((0..<table.rows).contains(index), "row \(index) of a table of \(table.rows)")
            unsafe x.row(row).update(from: table.row(index), count: x.columns)
        }
    }
}

/// `target[indices[i]] += x[i]`: the gradient of ``gatherRows(_:_:into:)-(MatrixView,_,_)``. Indices may repeat.
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - target: `[any, columns]`, added to; not the rows of x.
///   - indices: `[x.rows]`, each at least 0 and below the rows of the target.
public func addRows(_ x: MatrixView, to target: MatrixView, at indices: some Collection<Int>) {
    precondition(indices.count == x.rows && target.columns == x.columns, "\(x.rows) rows to \(indices.count)")
    unsafe withElements(indices) { indices in
        for row in 0..<x.rows {
            let index = unsafe indices[row]
            precondition((0..<target.rows).contains(index), "row \(index) of a target of \(target.rows)")
            let (source, sums) = unsafe (UnsafePointer(x.row(row)), target.row(index))
            unsafe mapRow(sums, into: sums, count: x.columns) { unsafe $0 + source[$1] }
        }
    }
}

/// `y += scale x`.
///
/// - Parameters:
///   - x: `[rows, columns]`.
///   - y: `[rows, columns]`, added to.
public func add(_ x: MatrixView, to y: MatrixView, scale: Float = 1) { mapValues(y, x, into: y) { $0 + scale * $1 } }

/// `c = a + b`; c may be a or b.
///
/// - Parameters:
///   - a: `[rows, columns]`.
///   - b: `[rows, columns]`.
///   - c: `[rows, columns]`, overwritten.
public func sum(_ a: MatrixView, _ b: MatrixView, into c: MatrixView) {
    if unsafe b.start == c.start {
        mapValues(b, a, into: c) { $0 + $1 }
    } else {
        mapValues(a, b, into: c) { $0 + $1 }
    }
}
