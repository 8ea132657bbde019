/// Where the values of a sparse `[inputs, outputs]` matrix lie: entry n at row `rows[n]` and column `columns[n]`.
public struct SparseSupport: Sendable, Equatable {
    /// Rows of the matrix.
    public let inputs: Int
    /// Columns of the matrix.
    public let outputs: Int
    /// `[entries]`, each below `inputs`.
    public let rows: [Int32]
    /// `[entries]`, each below `outputs`.
    public let columns: [Int32]
    /// `[entries]`: 1, or 0 where the entry's row is gated off: it neither acts nor has a gradient.
    let live: [Float]

    /// Checks and gathers a support.
    ///
    /// - Parameter gate: which rows live, `[inputs]`; all unless given.
    public init(inputs: Int, outputs: Int, rows: [Int32], columns: [Int32], gate: [Bool]? = nil) {
        precondition(rows.count == columns.count, "\(rows.count) rows, \(columns.count) columns")
        precondition(gate?.count ?? inputs == inputs, "a gate of \(gate?.count ?? 0) rows for \(inputs)")
        precondition(
            rows.allSatisfy { (0..<Int32(inputs)).contains($0) }
                && columns.allSatisfy { (0..<Int32(outputs)).contains($0) }, "an entry outside [\(inputs), \(outputs)]")
        (self.inputs, self.outputs, self.rows, self.columns) = (inputs, outputs, rows, columns)
        live = rows.map { gate?[Int($0)] ?? true ? 1 : 0 }
    }

    /// Number of entries.
    public var count: Int { rows.count }
    /// Whether an entry's row lives.
    public func isLive(_ entry: Int) -> Bool { live[entry] == 1 }
}

/// `y += x A` with a sparse `A`.
///
/// - Parameters:
///   - x: `[rows, inputs]`.
///   - values: `[1, entries]`.
///   - y: `[rows, outputs]`; not x.
public func addSparseProduct(_ x: MatrixView, _ values: MatrixView, _ support: SparseSupport, to y: MatrixView) {
    precondition(x.columns == support.inputs && y.columns == support.outputs && x.rows == y.rows, "a sparse product")
    addSparseRows(x, values, support, from: support.rows, into: support.columns, to: y)
}

/// `dx += dy Aᵀ`: the gradient at x.
///
/// - Parameters:
///   - dy: `[rows, outputs]`.
///   - dx: `[rows, inputs]`; not dy.
public func addSparseProductTransposed(
    _ dy: MatrixView, _ values: MatrixView, _ support: SparseSupport, to dx: MatrixView
) {
    precondition(dy.columns == support.outputs && dx.columns == support.inputs && dx.rows == dy.rows, "its gradient")
    addSparseRows(dy, values, support, from: support.columns, into: support.rows, to: dx)
}

/// `gradient[n] += Σ_r x[r, rows[n]] dy[r, columns[n]]`: a sampled product, `O(rows · entries)`.
///
/// - Parameters:
///   - x: `[rows, inputs]`.
///   - dy: `[rows, outputs]`.
///   - gradient: `[1, entries]`, added to; nothing where the gate is off.
public func addSparseGradient(_ x: MatrixView, dy: MatrixView, _ support: SparseSupport, to gradient: MatrixView) {
    precondition(
        x.columns == support.inputs && dy.columns == support.outputs && x.rows == dy.rows
            && gradient.columns == support.count, "a sparse gradient")
    unsafe withEntries(support.rows, support.columns, support.live) { rows, columns, live in
        let sums = unsafe gradient.start
        for row in 0..<x.rows {
            let (source, target) = unsafe (x.row(row), dy.row(row))
            for entry in 0..<support.count {
                unsafe sums[entry] += source[Int(rows[entry])] * target[Int(columns[entry])] * live[entry]
            }
        }
    }
}

@inline(__always)
private func addSparseRows(
    _ x: MatrixView, _ values: MatrixView, _ support: SparseSupport, from: [Int32], into: [Int32], to y: MatrixView
) {
    precondition(values.columns == support.count, "\(values.columns) values for \(support.count) entries")
    unsafe withEntries(from, into, support.live) { from, into, live in
        let values = unsafe values.start
        for row in 0..<x.rows {
            let (source, target) = unsafe (x.row(row), y.row(row))
            for entry in 0..<support.count {
                unsafe target[Int(into[entry])] += source[Int(from[entry])] * values[entry] * live[entry]
            }
        }
    }
}

@inline(__always)
private func withEntries(
    _ from: [Int32], _ into: [Int32], _ live: [Float],
    _ body: (UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafePointer<Float>) -> Void
) {
    unsafe from.withUnsafeBufferPointer { from in
        unsafe into.withUnsafeBufferPointer { into in
            unsafe live.withUnsafeBufferPointer { live in
                guard let from = from.baseAddress, let into = into.baseAddress, let live = live.baseAddress else {
                    return
                }
                unsafe body(from, into, live)
            }
        }
    }
}
