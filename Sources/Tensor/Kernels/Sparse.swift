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
    /// `[entries]`: what a value is multiplied by; 0 where the entry's row is gated off: it neither acts nor has a gradient.
    public let scales: [Float]
    /// The rows and the columns that have entries, ascending.
    let usedRows: [Int32]
    let usedColumns: [Int32]

    /// Checks and gathers a support.
    ///
    /// - Parameters:
    ///   - scales: what the values are multiplied by, `[entries]`; 1 unless given.
    ///   - gate: which rows live, `[inputs]`; all unless given.
    public init(
        inputs: Int, outputs: Int, rows: [Int32], columns: [Int32], scales: [Float]? = nil, gate: [Bool]? = nil
    ) {
        precondition(rows.count == columns.count, "\(rows.count) rows, \(columns.count) columns")
        precondition(gate?.count ?? inputs == inputs, "a gate of \(gate?.count ?? 0) rows for \(inputs)")
        precondition(
            rows.allSatisfy { (0..<Int32(inputs)).contains($0) }
                && columns.allSatisfy { (0..<Int32(outputs)).contains($0) }, "an entry outside [\(inputs), \(outputs)]")
        (self.inputs, self.outputs, self.rows, self.columns) = (inputs, outputs, rows, columns)
        precondition(scales?.count ?? rows.count == rows.count, "\(scales?.count ?? 0) scales")
        let scales = scales ?? [Float](repeating: 1, count: rows.count)
        self.scales = zip(rows, scales).map { gate?[Int($0)] ?? true ? $1 : 0 }
        (usedRows, usedColumns) = (Set(rows).sorted(), Set(columns).sorted())
    }

    /// Number of entries.
    public var count: Int { rows.count }
    /// Whether an entry's row lives.
    public func isLive(_ entry: Int) -> Bool { scales[entry] != 0 }
}

/// `y += x A` with a sparse `A`.
///
/// - Parameters:
///   - x: `[rows, inputs]`.
///   - values: `[1, entries]`.
///   - y: `[rows, outputs]`; not x.
public func addSparseProduct(_ x: MatrixView, _ values: MatrixView, _ support: SparseSupport, to y: MatrixView) {
    precondition(x.columns == support.inputs && y.columns == support.outputs && x.rows == y.rows, "a sparse product")
    addSparseProduct(
        x, values, support, from: (support.rows, support.usedRows), into: (support.columns, support.usedColumns), to: y)
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
    addSparseProduct(
        dy, values, support, from: (support.columns, support.usedColumns), into: (support.rows, support.usedRows),
        to: dx)
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
    unsafe withEntries(support.rows, support.columns, support.scales) { rows, columns, scales in
        unsafe withColumns(of: x, and: dy) { source, target in
            let sums = unsafe gradient.start
            for first in stride(from: 0, to: x.rows, by: Lanes.scalarCount) {
                unsafe gather(x, from: first, support.usedRows, into: source)
                unsafe gather(dy, from: first, support.usedColumns, into: target)
                for entry in 0..<support.count {
                    let products = unsafe source[Int(rows[entry])] * target[Int(columns[entry])]
                    unsafe sums[entry] += products.total * scales[entry]
                }
            }
        }
    }
}

// Entries lie anywhere in a row of x and of y, and their rows and columns are the same for all rows of x: sixteen rows at a
// time, their values at one column side by side, turn each entry into one product of vectors.

@inline(__always)
private func addSparseProduct(
    _ x: MatrixView, _ values: MatrixView, _ support: SparseSupport, from: (entries: [Int32], used: [Int32]),
    into: (entries: [Int32], used: [Int32]), to y: MatrixView
) {
    precondition(values.columns == support.count, "\(values.columns) values for \(support.count) entries")
    unsafe withEntries(from.entries, into.entries, support.scales) { rows, columns, scales in
        unsafe withColumns(of: x, and: y) { source, target in
            let values = unsafe values.start
            for first in stride(from: 0, to: x.rows, by: Lanes.scalarCount) {
                unsafe gather(x, from: first, from.used, into: source)
                for column in into.used { unsafe target[Int(column)] = .zero }
                for entry in 0..<support.count {
                    let product = unsafe source[Int(rows[entry])] * (values[entry] * scales[entry])
                    unsafe target[Int(columns[entry])] += product
                }
                unsafe scatter(target, into.used, to: y, from: first)
            }
        }
    }
}

/// Room for sixteen rows of two matrices, column by column.
@inline(__always)
private func withColumns(
    of a: MatrixView, and b: MatrixView, _ body: (UnsafeMutablePointer<Lanes>, UnsafeMutablePointer<Lanes>) -> Void
) {
    unsafe withUnsafeTemporaryAllocation(of: Lanes.self, capacity: a.columns + b.columns) { room in
        guard let start = room.baseAddress else { return }
        unsafe start.initialize(repeating: .zero, count: a.columns + b.columns)
        unsafe body(start, start + a.columns)
    }
}

/// The values of up to sixteen rows at some columns; zeros where there are fewer rows.
@inline(__always)
private func gather(_ x: MatrixView, from first: Int, _ used: [Int32], into columns: UnsafeMutablePointer<Lanes>) {
    let count = min(Lanes.scalarCount, x.rows - first)
    unsafe columns.withMemoryRebound(to: Float.self, capacity: x.columns * Lanes.scalarCount) { flat in
        for lane in 0..<Lanes.scalarCount {
            if lane < count {
                let row = unsafe x.row(first + lane)
                for column in used { unsafe flat[Int(column) &* Lanes.scalarCount &+ lane] = row[Int(column)] }
            } else {
                for column in used { unsafe flat[Int(column) &* Lanes.scalarCount &+ lane] = 0 }
            }
        }
    }
}

/// Adds what is at some columns to up to sixteen rows.
@inline(__always)
private func scatter(_ columns: UnsafeMutablePointer<Lanes>, _ used: [Int32], to y: MatrixView, from first: Int) {
    let count = min(Lanes.scalarCount, y.rows - first)
    unsafe columns.withMemoryRebound(to: Float.self, capacity: y.columns * Lanes.scalarCount) { flat in
        for lane in 0..<count {
            let row = unsafe y.row(first + lane)
            for column in used { unsafe row[Int(column)] += flat[Int(column) &* Lanes.scalarCount &+ lane] }
        }
    }
}

@inline(__always)
private func withEntries(
    _ from: [Int32], _ into: [Int32], _ scales: [Float],
    _ body: (UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafePointer<Float>) -> Void
) {
    unsafe from.withUnsafeBufferPointer { from in
        unsafe into.withUnsafeBufferPointer { into in
            unsafe scales.withUnsafeBufferPointer { scales in
                guard let from = from.baseAddress, let into = into.baseAddress, let scales = scales.baseAddress else {
                    return
                }
                unsafe body(from, into, scales)
            }
        }
    }
}
