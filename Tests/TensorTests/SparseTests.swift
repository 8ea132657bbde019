import Tensor
import Testing

@Suite struct SparseTests {
    /// `[inputs, outputs]`, zero outside the support.
    private func dense(_ support: SparseSupport, _ values: [Float]) -> Matrix {
        var matrix = Matrix(rows: support.inputs, columns: support.outputs)
        for entry in values.indices {
            matrix[Int(support.rows[entry]), Int(support.columns[entry])] += values[entry] * support.scales[entry]
        }
        return matrix
    }

    private func normals(_ rows: Int, _ columns: Int, _ random: inout RandomSource) -> Matrix {
        Matrix(rows: rows, columns: columns, values: (0..<rows * columns).map { _ in Float(random.normal()) })
    }

    private func agree(_ a: [Float], _ b: [Float]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 } }

    @Test(
        "products and gradients are those of the dense matrix, of any number of rows, scaled and gated",
        arguments: [0, 1, 15, 16, 17, 40])
    func agreesWithDense(count: Int) {
        var random = RandomSource(seed: UInt64(count))
        let (inputs, outputs, entries) = (9, 13, 30)
        let support = SparseSupport(
            inputs: inputs, outputs: outputs, rows: (0..<entries).map { _ in Int32(random.index(below: inputs)) },
            columns: (0..<entries).map { _ in Int32(random.index(below: outputs)) },
            scales: (0..<entries).map { _ in Float(random.normal()) }, gate: (0..<inputs).map { $0 != 3 })
        let values = (0..<entries).map { _ in Float(random.normal()) }
        let matrix = dense(support, values)
        // Views that are columns of a wider matrix, so that what lies beside them must stay.
        let (x, y) = (normals(count, inputs + 2, &random), normals(count, outputs + 3, &random))
        let own = MatrixView(rows: 1, columns: entries, values: values)
        func view(_ matrix: Matrix, _ columns: Int) -> (whole: MatrixView, part: MatrixView) {
            let whole = MatrixView(rows: matrix.rows, columns: matrix.columns, values: matrix.values)
            return (whole, whole.columns(1..<1 + columns))
        }
        let (xs, ys) = (view(x, inputs), view(y, outputs))
        let narrow = (
            x: Matrix(rows: count, columns: inputs, values: xs.part.values),
            y: Matrix(rows: count, columns: outputs, values: ys.part.values)
        )
        addSparseProduct(xs.part, own, support, to: ys.part)
        #expect(agree(ys.part.values, zip(narrow.y.values, matmul(narrow.x, matrix).values).map(+)))
        for row in 0..<count {
            for column in [0, outputs + 1, outputs + 2] { #expect(ys.whole[row, column] == y[row, column]) }
        }
        let dy = view(y, outputs).part
        addSparseProductTransposed(dy, own, support, to: xs.part)
        let back = matmul(narrow.y, matrix, transposeB: true).values
        #expect(agree(xs.part.values, zip(narrow.x.values, back).map(+)))
        let gradient = MatrixView(rows: 1, columns: entries, values: [Float](repeating: 2, count: entries))
        addSparseGradient(view(x, inputs).part, dy: dy, support, to: gradient)
        let full = matmul(narrow.x, narrow.y, transposeA: true)
        let expected = (0..<entries).map {
            2 + full[Int(support.rows[$0]), Int(support.columns[$0])] * support.scales[$0]
        }
        #expect(agree(gradient.values, expected))
        #expect((0..<entries).allSatisfy { support.isLive($0) == (support.rows[$0] != 3) })
    }
}
