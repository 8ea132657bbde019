import Tensor

/// A matrix whose rows lie apart in a buffer of sentinels: what a kernel writes outside it shows.
struct FramedView {
    let view: MatrixView
    private let gap: Int

    private static let sentinel: Float = 12_345.678

    /// NaN in place of values says that they are to be overwritten.
    init(_ rows: Int, _ columns: Int, values: [Float]? = nil, gap: Int = 3) {
        let stride = columns + gap
        let buffer = Buffer(count: 5 + rows * stride)
        MatrixView(buffer, offset: 0, rows: 1, columns: buffer.count).fill(Self.sentinel)
        view = MatrixView(buffer, offset: 5, rows: rows, columns: columns, stride: stride)
        self.gap = gap
        view.fill(.nan)
        if let values { view.copy(values.span) }
    }

    var values: [Float] { view.values }

    /// Whether every float before, between and behind the rows is what it was.
    var frameIsUntouched: Bool {
        let frame = MatrixView(view.buffer, offset: 0, rows: 1, columns: view.buffer.count).values
        return frame.indices.allSatisfy { index in
            let place = index - view.offset
            let isInside = place >= 0 && place / view.stride < view.rows && place % view.stride < view.columns
            return isInside || frame[index] == Self.sentinel
        }
    }
}

/// The widths and the gaps between rows that kernels are tried with: vectors, their remainders and less than one.
let trials: [(columns: Int, gap: Int)] = [1, 3, 7, 8, 17, 384].flatMap { [($0, 0), ($0, 3)] }

/// Some of the values of `[rows, columns]`, as Double.
func doubles(_ values: [Float], row: Int, columns: Int) -> [Double] {
    values[row * columns..<(row + 1) * columns].map(Double.init)
}

/// Rows of a matrix, as Double.
func doubleRows(_ values: [Float], columns: Int) -> [[Double]] {
    (0..<values.count / max(columns, 1)).map { doubles(values, row: $0, columns: columns) }
}
