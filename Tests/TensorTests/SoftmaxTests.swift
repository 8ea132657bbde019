import Foundation
import Tensor
import Testing

@Suite struct SoftmaxTests {
    /// Scores with NaN behind them up to whole vectors, and at times one vector more.
    static func padded(_ rows: Int, _ columns: Int, scale: Double) -> (x: FramedView, scores: [Float]) {
        let scores = normals(rows * columns, seed: UInt64(columns), scale: scale)
        let x = FramedView(rows, (columns + 15) / 16 * 16 + columns % 2 * 16)
        x.view.columns(0..<columns).copy(scores.span)
        return (x, scores)
    }

    @Test("softmax rows agree with the equation at every small width, sum to 1 and are zero behind", arguments: 1...40)
    func softmax(columns: Int) {
        let (x, scores) = Self.padded(4, columns, scale: 8)
        softmaxRows(x.view, columns: columns)
        for row in 0..<4 {
            let exact = Reference.softmax(Array(scores[row * columns..<(row + 1) * columns]))
            let values = x.view.rows(row..<row + 1).values
            for (value, exact) in zip(values, exact) { #expect(abs(value - exact) < 1e-6) }
            #expect(abs(values.reduce(0, +) - 1) < 1e-5)
            #expect(values[columns...].allSatisfy { $0 == 0 })
        }
        #expect(x.frameIsUntouched)
    }

    @Test("causal softmax is one over what each row may see, and zero behind", arguments: [1, 2, 7, 17, 40])
    func causal(columns: Int) {
        let (x, scores) = Self.padded(columns, columns, scale: 4)
        softmaxRows(x.view, columns: columns, isCausal: true)
        for row in 0..<columns {
            let exact = Reference.softmax(Array(scores[row * columns...row * columns + row]))
            for (column, value) in x.view.rows(row..<row + 1).values.enumerated() {
                #expect(column <= row ? abs(value - exact[column]) < 1e-6 : value == 0)
            }
        }
        #expect(x.frameIsUntouched)
    }

    @Test("softmax does not overflow where the scores are large")
    func largeScores() {
        let x = MatrixView(rows: 1, columns: 16)
        x.columns(0..<3).copy(([1e30, 1e30, -1e30] as [Float]).span)
        softmaxRows(x, columns: 3)
        #expect(x[0, 0] == 0.5 && x[0, 1] == 0.5 && x[0, 2] < 1e-37)
    }

    @Test("softmax's gradient agrees with differences", arguments: [1, 3, 8, 17, 40])
    func gradient(columns: Int) {
        let x = normals(3 * columns, seed: 21, scale: 2)
        let y = FramedView(
            3, columns, values: doubleRows(x, columns: columns).flatMap { Reference.softmax($0).map { Float($0) } })
        let dy = FramedView(3, columns, values: normals(3 * columns, seed: 22))
        let weights = dy.values
        softmaxGradient(dy.view, y: y.view)
        for row in 0..<3 {
            let own = doubles(weights, row: row, columns: columns)
            let exact = centralDifferences(at: doubles(x, row: row, columns: columns)) {
                zip(Reference.softmax($0), own).reduce(0) { $0 + $1.0 * $1.1 }
            }
            expectClose(dy.values[row * columns..<(row + 1) * columns], exact, within: 1e-5, floor: 0.1)
        }
        #expect(dy.frameIsUntouched && y.frameIsUntouched)
    }

    @Test(
        "what a token costs is the logarithm of the sum less its score, however large the scores are", arguments: trials
    )
    func crossEntropy(columns: Int, gap: Int) {
        let logits = FramedView(
            3, columns, values: normals(3 * columns, seed: UInt64(columns), scale: 20), gap: gap)
        let (before, targets) = (logits.values, [0, Int32(columns / 2), Int32(columns - 1)])
        let losses = crossEntropies(logits.view, targets: targets)
        #expect(logits.values == before && losses.count == 3)
        for (row, target) in targets.enumerated() {
            let exact = Reference.crossEntropy(doubles(before, row: row, columns: columns), target: Int(target))
            #expect(abs(Double(losses[row]) - exact) < 1e-4)
        }
    }

    @Test("the gradient of weighted losses agrees with differences and comes with the losses", arguments: trials)
    func crossEntropyGradients(columns: Int, gap: Int) {
        let logits = FramedView(4, columns, values: normals(4 * columns, seed: 23, scale: 3), gap: gap)
        let before = logits.values
        let targets = [0, Int32(columns / 2), Int32(columns - 1), 0]
        let weights: [Float] = [0.25, 2, 0, -1]
        let losses = crossEntropies(logits.view, targets: targets)
        let same = crossEntropyGradient(logits.view, targets: targets, weights: weights)
        expectClose(same, losses.map(Double.init), within: 1e-6)
        for row in 0..<4 {
            let exact = centralDifferences(at: doubles(before, row: row, columns: columns)) {
                Double(weights[row]) * Reference.crossEntropy($0, target: Int(targets[row]))
            }
            expectClose(logits.values[row * columns..<(row + 1) * columns], exact, within: 1e-5)
        }
        #expect(logits.frameIsUntouched)
    }

    @Test("scores of a great difference cost that difference, and their gradient is finite")
    func certain() {
        let logits = MatrixView(rows: 2, columns: 2, values: [1000, 0, 1000, 0])
        let losses = crossEntropyGradient(logits, targets: [0, 1], weights: [1, 1])
        #expect(losses[0] == 0 && losses[1] == 1000)
        for (value, exact) in zip(logits.values, [0, 0, 1, -1] as [Float]) { #expect(abs(value - exact) < 1e-6) }
    }

    @Test("a target beyond the columns stops the program instead of reading past them")
    func targetBounds() async {
        await #expect(processExitsWith: .failure) {
            _ = crossEntropies(MatrixView(rows: 1, columns: 2), targets: [2])
        }
    }
}
