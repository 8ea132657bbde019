import Tensor
import Testing

@Suite struct NormalizationTests {
    @Test(
        "norms agree with their equations at every width, in place or not, and keep what the way back needs",
        arguments: Array(1...20).map { ($0, $0 % 4) } + trials)
    func norms(columns: Int, gap: Int) {
        let (gain, shift) = (normals(columns, seed: 5), normals(columns, seed: 6))
        for isCentered in [true, false] {
            let x = FramedView(3, columns, values: normals(3 * columns, seed: UInt64(columns), scale: 3), gap: gap)
            let (y, statistics) = (FramedView(3, columns, gap: gap), FramedView(3, 2, gap: gap))
            let before = x.values
            func norm(into y: MatrixView) {
                if isCentered {
                    layerNorm(
                        x.view, gain: gain.span, shift: shift.span, epsilon: 1e-5, into: y, statistics: statistics.view)
                } else {
                    rmsNorm(x.view, gain: gain.span, epsilon: 1e-6, into: y, statistics: statistics.view)
                }
            }
            norm(into: y.view)
            #expect(x.values == before)
            for row in 0..<3 {
                let own = Array(before[row * columns..<(row + 1) * columns])
                let exact =
                    isCentered
                    ? Reference.layerNorm(own, gain: gain, shift: shift, epsilon: 1e-5)
                    : Reference.rmsNorm(own, gain: gain, epsilon: 1e-6)
                for column in 0..<columns {
                    #expect(abs(y.view[row, column] - exact[column]) < (isCentered ? 2e-5 : 1e-5))
                }
                let values = own.map(Double.init)
                let mean = isCentered ? values.reduce(0, +) / Double(columns) : 0
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
                let scale = 1 / (variance + (isCentered ? 1e-5 : 1e-6)).squareRoot()
                #expect(abs(Double(statistics.view[row, 0]) - mean) < 1e-5)
                #expect(abs(Double(statistics.view[row, 1]) - scale) < 1e-4 * scale)
            }
            norm(into: x.view)
            #expect(x.values == y.values)
            for view in [x, y, statistics] { #expect(view.frameIsUntouched) }
        }
    }

    @Test("layer norm of a row far from zero keeps its digits")
    func farFromZero() {
        let x = MatrixView(rows: 1, columns: 4, values: [10_000, 10_001, 10_002, 10_003])
        let (zeros, ones) = ([Float](repeating: 0, count: 4), [Float](repeating: 1, count: 4))
        layerNorm(
            x, gain: ones.span, shift: zeros.span, epsilon: 1e-12, into: x,
            statistics: MatrixView(rows: 1, columns: 2))
        for (value, exact) in zip(x.values, [-1.341_640_8, -0.447_213_6, 0.447_213_6, 1.341_640_8] as [Float]) {
            #expect(abs(value - exact) < 1e-5)
        }
    }

    @Test("norms' gradients agree with differences, set, in place and added", arguments: trials)
    func gradients(columns: Int, gap: Int) {
        let gain = normals(columns, seed: 11).map { $0 + 1 }
        let shift = normals(columns, seed: 12)
        for isCentered in [true, false] {
            let x = FramedView(3, columns, values: normals(3 * columns, seed: 13, scale: 2).map { $0 + 1 }, gap: gap)
            let dy = FramedView(3, columns, values: normals(3 * columns, seed: 14), gap: gap)
            let (dx, statistics) = (FramedView(3, columns, gap: gap), FramedView(3, 2, gap: gap))
            // A wide epsilon, so that a row of one column has a gradient too.
            func back(into dx: MatrixView, adding: Bool) {
                let y = MatrixView(rows: 3, columns: columns)
                if isCentered {
                    layerNorm(
                        x.view, gain: gain.span, shift: shift.span, epsilon: 0.1, into: y, statistics: statistics.view)
                    layerNormGradient(
                        dy.view, x: x.view, gain: gain.span, statistics: statistics.view, into: dx, adding: adding)
                } else {
                    rmsNorm(x.view, gain: gain.span, epsilon: 0.1, into: y, statistics: statistics.view)
                    rmsNormGradient(
                        dy.view, x: x.view, gain: gain.span, statistics: statistics.view, into: dx, adding: adding)
                }
            }
            back(into: dx.view, adding: false)
            for row in 0..<3 {
                let weights = doubles(dy.values, row: row, columns: columns)
                let exact = centralDifferences(at: doubles(x.values, row: row, columns: columns)) { x in
                    let gain = gain.map(Double.init)
                    let y =
                        isCentered
                        ? Reference.layerNorm(x, gain: gain, shift: shift.map(Double.init), epsilon: 0.1)
                        : Reference.rmsNorm(x, gain: gain, epsilon: 0.1)
                    return zip(y, weights).reduce(0) { $0 + $1.0 * $1.1 }
                }
                let own = dx.values[row * columns..<(row + 1) * columns]
                expectClose(own, exact, within: 1e-5, floor: 0.1, "row \(row), centered \(isCentered)")
            }
            let once = dx.values
            back(into: dx.view, adding: true)
            expectClose(dx.values, once.map { 2 * Double($0) }, within: 1e-6)
            back(into: dy.view, adding: false)
            #expect(dy.values == once)
            for view in [x, dy, dx, statistics] { #expect(view.frameIsUntouched) }
        }
    }
}
