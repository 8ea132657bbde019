/// A row-major matrix that lies in a buffer: some of its rows, or columns side by side with others', without a copy.
///
/// A view is a value that refers: copies of it share their floats. Its bounds are checked when it is made, so that kernels
/// check shapes only.
public struct MatrixView: Sendable {
    /// Where it lies.
    public let buffer: Buffer
    /// The buffer's index of its first value.
    public let offset: Int
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int
    /// Floats from a row to the next; at least `columns`.
    public let stride: Int

    /// A matrix inside a buffer.
    public init(_ buffer: Buffer, offset: Int, rows: Int, columns: Int, stride: Int? = nil) {
        let stride = stride ?? columns
        precondition(
            offset >= 0 && rows >= 0 && columns >= 0 && stride >= columns
                && (rows == 0 || offset + (rows - 1) * stride + columns <= buffer.count),
            "a [\(rows), \(columns)] view at \(offset), rows \(stride) apart, of \(buffer.count) floats")
        self.buffer = buffer
        (self.offset, self.rows, self.columns, self.stride) = (offset, rows, columns, stride)
    }

    /// Zeros in a buffer of their own.
    public init(rows: Int, columns: Int) {
        self.init(Buffer(count: rows * columns), offset: 0, rows: rows, columns: columns)
    }

    /// A copy of row-major values in a buffer of their own.
    public init(rows: Int, columns: Int, values: some Collection<Float>) {
        precondition(values.count == rows * columns, "a [\(rows), \(columns)] matrix of \(values.count) values")
        self.init(rows: rows, columns: columns)
        let contiguous: Void? = values.withContiguousStorageIfAvailable { values in
            guard let source = values.baseAddress else { return }
            unsafe start.update(from: source, count: values.count)
        }
        guard contiguous == nil else { return }
        for (index, value) in values.enumerated() { unsafe start[index] = value }
    }

    /// The first value.
    var start: UnsafeMutablePointer<Float> { unsafe buffer.start + offset }

    /// The first value of a row.
    func row(_ index: Int) -> UnsafeMutablePointer<Float> { unsafe start + index * stride }

    /// Some of its rows.
    public func rows(_ range: Range<Int>) -> MatrixView {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return MatrixView(
            buffer, offset: offset + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }

    /// Some of its columns.
    public func columns(_ range: Range<Int>) -> MatrixView {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return MatrixView(
            buffer, offset: offset + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// One value.
    public subscript(row: Int, column: Int) -> Float {
        get {
            precondition((0..<rows).contains(row) && (0..<columns).contains(column), "[\(row), \(column)]")
            return unsafe self.row(row)[column]
        }
        nonmutating set {
            precondition((0..<rows).contains(row) && (0..<columns).contains(column), "[\(row), \(column)]")
            unsafe self.row(row)[column] = newValue
        }
    }

    /// A copy of its values, row by row.
    public var values: [Float] {
        unsafe [Float](unsafeUninitializedCapacity: rows * columns) { target, count in
            guard let base = target.baseAddress else { return }
            for index in 0..<rows { unsafe (base + index * columns).initialize(from: row(index), count: columns) }
            count = rows * columns
        }
    }

    /// Copies another matrix of its shape into it.
    public func copy(_ other: MatrixView) {
        precondition(
            other.rows == rows && other.columns == columns,
            "[\(other.rows), \(other.columns)] into [\(rows), \(columns)]")
        for index in 0..<rows { unsafe row(index).update(from: other.row(index), count: columns) }
    }

    /// Copies row-major values into it.
    public func copy(_ values: Span<Float>) {
        precondition(values.count == rows * columns, "\(values.count) values into [\(rows), \(columns)]")
        unsafe values.withUnsafeBufferPointer { values in
            guard let source = values.baseAddress else { return }
            for index in 0..<rows { unsafe row(index).update(from: source + index * columns, count: columns) }
        }
    }

    /// Sets every value.
    public func fill(_ value: Float) {
        for index in 0..<rows { unsafe row(index).update(repeating: value, count: columns) }
    }
}
