import Tensor
import Testing

@Suite struct PoolingTests {
    @Test("means have unit length, and an empty or zero sequence gives zeros")
    func means() {
        let x = MatrixView(rows: 5, columns: 2, values: [3, 0, 3, 8, 0, 0, 1, -1, -1, 1])
        let (means, lengths) = (FramedView(4, 2), FramedView(4, 1))
        normalizedMeans(x, boundaries: [0, 2, 3, 3, 5], into: means.view, lengths: lengths.view)
        #expect(abs(means.view[0, 0] - 0.6) < 1e-6 && abs(means.view[0, 1] - 0.8) < 1e-6)
        #expect(Array(means.values[2...]) == [0, 0, 0, 0, 0, 0])
        #expect(lengths.values == [5, 0, 0, 0])
        #expect(means.frameIsUntouched && lengths.frameIsUntouched)
    }

    @Test("means and their gradient agree with the equation and its differences", arguments: trials)
    func gradients(columns: Int, gap: Int) {
        let boundaries = [0, 1, 1, 4, 9]
        // Two rows behind the sequences stay what they are.
        let x = FramedView(11, columns, values: normals(11 * columns, seed: 1).map { $0 + 0.5 }, gap: gap)
        let dmeans = FramedView(4, columns, values: normals(4 * columns, seed: 2), gap: gap)
        let (means, lengths) = (FramedView(4, columns, gap: gap), FramedView(4, 1, gap: gap))
        let dx = FramedView(11, columns, gap: gap)
        normalizedMeans(x.view, boundaries: boundaries, into: means.view, lengths: lengths.view)
        normalizedMeansGradient(
            dmeans.view, means: means.view, lengths: lengths.view, boundaries: boundaries, into: dx.view)
        for sequence in 0..<4 {
            let (start, end) = (boundaries[sequence], boundaries[sequence + 1])
            let rows = doubleRows(Array(x.values[start * columns..<end * columns]), columns: columns)
            expectClose(
                means.view.rows(sequence..<sequence + 1).values, Reference.normalizedMean(rows, columns: columns),
                within: 1e-6)
            let weights = doubles(dmeans.values, row: sequence, columns: columns)
            let exact = centralDifferences(at: rows.flatMap(\.self)) { values in
                let rows = (0..<end - start).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
                return zip(Reference.normalizedMean(rows, columns: columns), weights).reduce(0) { $0 + $1.0 * $1.1 }
            }
            expectClose(dx.view.rows(start..<end).values, exact, within: 1e-5, floor: 0.1)
        }
        #expect(dx.view.rows(9..<11).values.allSatisfy { $0.isNaN })
        for view in [x, dmeans, means, lengths, dx] { #expect(view.frameIsUntouched) }
    }

    @Test("where a mean is zero no gradient flows")
    func zeroMean() {
        let x = MatrixView(rows: 2, columns: 2, values: [1, -1, -1, 1])
        let (means, lengths) = (MatrixView(rows: 1, columns: 2), MatrixView(rows: 1, columns: 1))
        normalizedMeans(x, boundaries: [0, 2], into: means, lengths: lengths)
        let dmeans = MatrixView(rows: 1, columns: 2, values: [1, 2])
        normalizedMeansGradient(dmeans, means: means, lengths: lengths, boundaries: [0, 2], into: x)
        #expect(x.values == [0, 0, 0, 0])
    }
}
