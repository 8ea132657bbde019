// The loops that kernels share. Each inner loop is one `while` without branches or calls over pointers, which the compiler
// vectorises. It cannot do so where it must reckon with a store changing what is loaded next; hence a loop of its own,
// through one pointer, where a result overwrites an operand.

extension MatrixView {
    /// Whether nothing lies between its rows, so that they can be walked as one.
    var isPacked: Bool { stride == columns || rows <= 1 }

    /// Stops the program unless another matrix has the same shape.
    func requireShape(of other: MatrixView) {
        precondition(
            rows == other.rows && columns == other.columns,
            "[\(rows), \(columns)] and [\(other.rows), \(other.columns)] should have one shape")
    }
}

/// `target[i] = map(source[i], i)` of a row; `target` may be `source`, what `map` reads besides may not overlap `target`.
@inline(__always)
func mapRow(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, count: Int, _ map: (Float, Int) -> Float
) {
    var index = 0
    if unsafe source == UnsafePointer(target) {
        while index < count {
            unsafe target[index] = map(target[index], index)
            index &+= 1
        }
    } else {
        while index < count {
            unsafe target[index] = map(source[index], index)
            index &+= 1
        }
    }
}

/// `y[i, j] = map(x[i, j])`; y may be x.
@inline(__always)
func mapValues(_ x: MatrixView, into y: MatrixView, _ map: (Float) -> Float) {
    x.requireShape(of: y)
    let isOneRow = x.isPacked && y.isPacked
    let (rows, columns) = isOneRow ? (1, x.rows * x.columns) : (x.rows, x.columns)
    for row in 0..<rows { unsafe mapRow(x.row(row), into: y.row(row), count: columns) { value, _ in map(value) } }
}

/// `c[i, j] = map(a[i, j], b[i, j])`; c may be a, but not b.
@inline(__always)
func mapValues(_ a: MatrixView, _ b: MatrixView, into c: MatrixView, _ map: (Float, Float) -> Float) {
    a.requireShape(of: b)
    a.requireShape(of: c)
    let isOneRow = a.isPacked && b.isPacked && c.isPacked
    let (rows, columns) = isOneRow ? (1, a.rows * a.columns) : (a.rows, a.columns)
    for row in 0..<rows {
        let other = unsafe UnsafePointer(b.row(row))
        unsafe mapRow(a.row(row), into: c.row(row), count: columns) { unsafe map($0, other[$1]) }
    }
}

/// Lends a span's values as a pointer that is never nil.
@inline(__always)
func withPointer(_ span: Span<Float>, _ body: (UnsafePointer<Float>) -> Void) {
    unsafe span.withUnsafeBufferPointer { values in
        if let start = values.baseAddress { unsafe body(start) }
    }
}

/// Lends a collection's elements as one buffer, copied only if they do not lie in one: kernels are compiled once, and for
/// buffers, whatever collections their callers have.
@inline(__always)
func withElements<Element, Result>(
    _ elements: some Collection<Element>, _ body: (UnsafeBufferPointer<Element>) -> Result
) -> Result {
    if let result = elements.withContiguousStorageIfAvailable(body) { return result }
    return unsafe Array(elements).withUnsafeBufferPointer(body)
}

/// Stops the program unless `boundaries` ascend from 0 and stay within `rows`: `[sequences + 1]`, sequence s is the rows
/// `boundaries[s]..<boundaries[s + 1]`.
///
/// - Returns: the rows of the longest sequence.
func longestSequence(_ boundaries: [Int], rows: Int) -> Int {
    precondition(boundaries.first ?? 0 == 0 && boundaries.last ?? 0 <= rows, "sequences outside \(rows) rows")
    var longest = 0
    for (start, end) in zip(boundaries, boundaries.dropFirst()) {
        precondition(start <= end, "a sequence of the rows \(start)..<\(end)")
        longest = max(longest, end - start)
    }
    return longest
}
