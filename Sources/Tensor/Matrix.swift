/// A row-major matrix of `Float`, shape `[rows, columns]`.
public struct Matrix: Sendable, Equatable {
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int
    /// The values, row by row; `count == rows * columns`.
    public var values: [Float]

    /// Wraps values that are already row-major.
    public init(rows: Int, columns: Int, values: [Float]) {
        precondition(values.count == rows * columns, "a [\(rows), \(columns)] matrix needs \(rows * columns) values")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// A matrix of one value.
    public init(rows: Int, columns: Int, filledWith value: Float = 0) {
        self.init(rows: rows, columns: columns, values: [Float](repeating: value, count: rows * columns))
    }

    /// `scale` times the identity, shape `[width, width]`.
    public static func identity(_ width: Int, scale: Float = 1) -> Matrix {
        var matrix = Matrix(rows: width, columns: width)
        for index in 0..<width { matrix[index, index] = scale }
        return matrix
    }

    /// One value.
    public subscript(row: Int, column: Int) -> Float {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// A copy of one row, shape `[columns]`.
    public func row(_ index: Int) -> ArraySlice<Float> { values[index * columns..<(index + 1) * columns] }
}
