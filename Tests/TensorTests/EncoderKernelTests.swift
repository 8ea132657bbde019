import Foundation
import Tensor
import Testing

@Suite struct EncoderKernelTests {
    @Test("GELU is within 3e-7 max(1, |x|) of its equation from -12 to 12")
    func gelu() {
        let points = stride(from: Float(-12), through: 12, by: 0x1p-9).map { $0 }
        var values = points.map { $0 - 0.25 }
        addBiasGELU(&values, bias: [Float](repeating: 0.25, count: values.count).span, rows: 1)
        for (x, value) in zip(points, values) {
            let exact = Reference.gelu(x - 0.25 + 0.25)
            #expect(abs(value - exact) <= 3e-7 * max(1, abs(x - 0.25)), "gelu(\(x)) = \(value), not \(exact)")
        }
    }

    @Test("GELU adds the bias of its column in every row and touches no row beyond")
    func geluRows() {
        for columns in [1, 3, 8, 17] {
            var values = normals(4 * columns, seed: 3)
            let before = values
            let bias = normals(columns, seed: 4)
            addBiasGELU(&values, bias: bias.span, rows: 3)
            for index in 0..<3 * columns {
                #expect(abs(values[index] - Reference.gelu(before[index] + bias[index % columns])) < 1e-6)
            }
            #expect(values[(3 * columns)...] == before[(3 * columns)...])
        }
    }

    @Test("erf is odd, bounded by 1 and within 4e-7 of the library's")
    func erf() {
        for x in stride(from: Float(-6), through: 6, by: 0x1p-10) {
            #expect(
                abs(Double(errorFunction(x)) - Foundation.erf(Double(x))) < 4e-7, "erf(\(x))")
            #expect(errorFunction(-x) == -errorFunction(x))
            #expect(abs(errorFunction(x)) <= 1.000_000_2)
        }
    }

    @Test("exp is within 2e-7 relative of the library's from -87 to 88, and tiny below")
    func exponentials() {
        for x in stride(from: Float(-87), through: 88, by: 0x1p-6) {
            let exact = Foundation.exp(Double(x))
            #expect(abs(Double(exponential(x)) - exact) <= 2e-7 * exact, "exp(\(x))")
        }
        for x: Float in [-88, -200, -1e30, -.infinity] { #expect(exponential(x) < 2e-38 && exponential(x) > 0) }
    }

    @Test("softmax rows agree with the equation at every small width, and sum to 1", arguments: 1...40)
    func softmax(columns: Int) {
        var values = normals(5 * columns, seed: UInt64(columns), scale: 8)
        let before = values
        softmaxRows(&values, rows: 4, columns: columns)
        for row in 0..<4 {
            let slice = row * columns..<(row + 1) * columns
            let exact = Reference.softmax(Array(before[slice]))
            for (value, exact) in zip(values[slice], exact) { #expect(abs(value - exact) < 1e-6) }
            #expect(abs(values[slice].reduce(0, +) - 1) < 1e-5)
        }
        #expect(values[(4 * columns)...] == before[(4 * columns)...])
    }

    @Test("softmax does not overflow where the scores are large")
    func largeScores() {
        var values: [Float] = [1e30, 1e30, -1e30]
        softmaxRows(&values, rows: 1, columns: 3)
        #expect(values[0] == 0.5 && values[1] == 0.5 && values[2] < 1e-37)
    }

    @Test(
        "layer norm adds residual, update and bias and agrees with the equation", arguments: [1, 2, 7, 8, 9, 16, 384])
    func layerNorm(columns: Int) {
        let rows = 3
        var values = normals((rows + 1) * columns, seed: 5, scale: 3)
        let before = values
        let update = normals(rows * columns, seed: 6)
        let (bias, gain, shift) = (normals(columns, seed: 7), normals(columns, seed: 8), normals(columns, seed: 9))
        addLayerNorm(
            &values, update: update.span, bias: bias.span, gain: gain.span, shift: shift.span, epsilon: 1e-5,
            rows: rows)
        for row in 0..<rows {
            let slice = row * columns..<(row + 1) * columns
            let sum = slice.map { before[$0] + (update[$0] + bias[$0 - slice.lowerBound]) }
            let exact = Reference.layerNorm(sum, gain: gain, shift: shift, epsilon: 1e-5)
            for (value, exact) in zip(values[slice], exact) { #expect(abs(value - exact) < 2e-5) }
        }
        #expect(values[(rows * columns)...] == before[(rows * columns)...])
    }

    @Test("layer norm of a row far from zero keeps its digits")
    func farFromZero() {
        var values: [Float] = [10_000, 10_001, 10_002, 10_003]
        let (zeros, ones) = ([Float](repeating: 0, count: 4), [Float](repeating: 1, count: 4))
        addLayerNorm(
            &values, update: zeros.span, bias: zeros.span, gain: ones.span, shift: zeros.span, epsilon: 1e-12, rows: 1)
        for (value, exact) in zip(values, [-1.341_640_8, -0.447_213_6, 0.447_213_6, 1.341_640_8] as [Float]) {
            #expect(abs(value - exact) < 1e-5)
        }
    }

    @Test(
        "packed attention equals the attention of each sequence alone, for every small split, both ways and causal, with shared keys",
        arguments: [
            AttentionShape(heads: 3, keyValueHeads: 3, headWidth: 4, isCausal: false),
            AttentionShape(heads: 3, keyValueHeads: 3, headWidth: 4, isCausal: true),
            AttentionShape(heads: 4, keyValueHeads: 2, headWidth: 3, isCausal: true),
            AttentionShape(heads: 4, keyValueHeads: 1, headWidth: 5, isCausal: false),
        ])
    func attention(shape: AttentionShape) {
        for lengths in [[1], [5], [1, 1], [4, 0, 3], [2, 7, 1], [17, 3]] {
            let tokens = lengths.reduce(0, +)
            let projections = normals(tokens * shape.columns, seed: UInt64(tokens))
            let boundaries = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
            var scores = [Float](repeating: .nan, count: 17 * 17)
            var context = [Float](repeating: .nan, count: tokens * shape.width)
            selfAttention(
                projections.span, boundaries: boundaries, shape: shape, scores: &scores, into: &context)
            for (start, end) in zip(boundaries, boundaries.dropFirst()) {
                let own = Matrix(
                    rows: end - start, columns: shape.columns,
                    values: Array(projections[start * shape.columns..<end * shape.columns]))
                let exact = Reference.selfAttention(own, shape)
                for (value, exact) in zip(context[start * shape.width..<end * shape.width], exact.values) {
                    #expect(abs(value - exact) < 2e-6)
                }
            }
        }
    }

    @Test("rows are filled and gathered, and nothing behind them")
    func rows() {
        var values: [Float] = [0, 0, 0, 0, 9, 9]
        fillRows(&values, with: ([1, 2] as [Float]).span, rows: 2)
        #expect(values == [1, 2, 1, 2, 9, 9])
        gatherRows(([10, 11, 20, 21, 30, 31] as [Float]).span, [2, 0] as [Int32], columns: 2, into: &values)
        #expect(values == [30, 31, 10, 11, 9, 9])
    }

    @Test("an index outside the table stops the program instead of reading past it")
    func gatherBounds() async {
        await #expect(processExitsWith: .failure) {
            var values: [Float] = [0, 0]
            gatherRows(([1, 2] as [Float]).span, [1] as [Int32], columns: 2, into: &values)
        }
    }

    @Test("means have unit length, and an empty or zero sequence gives zeros")
    func means() {
        let x: [Float] = [3, 0, 3, 8, 0, 0, 1, -1, -1, 1]
        let means = normalizedMeans(x.span, boundaries: [0, 2, 3, 3, 5], columns: 2)
        #expect(means.rows == 4)
        #expect(abs(means[0, 0] - 0.6) < 1e-6 && abs(means[0, 1] - 0.8) < 1e-6)
        #expect(Array(means.values[2...]) == [0, 0, 0, 0, 0, 0])
    }
}
